package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	statePrefix = "state."
	// stateAttempts is how often a change is tried that others have come before.
	stateAttempts = 20
)

// State returns what of an app is switched off, and the revision of that, 0 if nothing ever was.
func (r *Releases) State(ctx context.Context, app string) (hooks.State, uint64, error) {
	var s hooks.State
	if err := hooks.CheckName("app", app); err != nil {
		return s, 0, err
	}
	kept, err := r.conn.kv.Get(ctx, statePrefix+app)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return s, 0, nil
	case err != nil:
		return s, 0, unavailable("state of app "+app, err)
	}
	if err := json.Unmarshal(kept.Value(), &s); err != nil {
		return s, 0, unavailable("state of app "+app, err)
	}
	return s, kept.Revision(), nil
}

// SetState changes what of an app is switched off and returns the new revision. If others change it at the same time it
// applies change again to what they have made of it; but if ifRevision is not 0, and not the revision of what is there,
// the error is a CONFLICT. An error of change ends it, with nothing changed.
func (r *Releases) SetState(ctx context.Context, app string, ifRevision uint64, change func(*hooks.State) error) (uint64, error) {
	for range stateAttempts {
		s, revision, err := r.State(ctx, app)
		switch {
		case err != nil:
			return 0, err
		case ifRevision != 0 && ifRevision != revision:
			return 0, hooks.Errorf(hooks.CodeConflict, "somebody else has changed the state of app %s meanwhile", app)
		}
		if err := change(&s); err != nil {
			return 0, err
		}
		value, err := json.Marshal(s)
		if err != nil {
			return 0, fmt.Errorf("state of app %s: %w", app, err)
		}
		next, err := replace(ctx, r.conn.kv, statePrefix+app, value, revision)
		switch {
		case err == nil:
			return next, nil
		case !errors.Is(err, errReplaced):
			return 0, unavailable("state of app "+app, err)
		}
	}
	return 0, hooks.Errorf(hooks.CodeConflict, "too many are changing the state of app %s; try again", app)
}
