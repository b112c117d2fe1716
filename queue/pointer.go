package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// pointer is what an app's key holds.
type pointer struct {
	Current  uint64        `json:"current"`
	Canary   *hooks.Canary `json:"canary,omitempty"`
	Last     uint64        `json:"last"` // the highest number given so far
	Created  time.Time     `json:"created"`
	Releases []entry       `json:"releases"` // the oldest first
}

// entry is one release of an app.
type entry struct {
	Number   uint64    `json:"release"`
	Created  time.Time `json:"created"`
	Manifest string    `json:"manifest"` // hash of the blob
	By       string    `json:"by,omitempty"`
	Hooks    int       `json:"hooks"`
	Jobs     int       `json:"jobs"`
}

// find returns the entry of a release; 0 means the current one.
func (p *pointer) find(number uint64) (entry, bool) {
	if number == 0 {
		number = p.Current
	}
	i := slices.IndexFunc(p.Releases, func(e entry) bool { return e.Number == number })
	if i < 0 {
		return entry{}, false
	}
	return p.Releases[i], true
}

// before is the newest release that is older than that one, 0 if there is none.
func (p *pointer) before(number uint64) uint64 {
	for _, e := range slices.Backward(p.Releases) {
		if e.Number < number {
			return e.Number
		}
	}
	return 0
}

// last is the highest number given so far.
func (p *pointer) last() uint64 {
	if n := len(p.Releases); n > 0 {
		return max(p.Last, p.Releases[n-1].Number)
	}
	return p.Last
}

// add makes e the current release, or the canary for a percentage of events.
func (p *pointer) add(e entry, percent int) {
	p.Releases, p.Last = append(p.Releases, e), e.Number
	if p.Created.IsZero() {
		p.Created = e.Created
	}
	if percent > 0 {
		p.Canary = &hooks.Canary{Release: e.Number, Percent: percent}
		return
	}
	p.Current, p.Canary = e.Number, nil
}

// retain forgets all but the newest releases, and never those that serve.
func (p *pointer) retain(keep int) {
	surplus := len(p.Releases) - keep
	p.Releases = slices.DeleteFunc(p.Releases, func(e entry) bool {
		if surplus <= 0 || e.Number == p.Current || p.Canary != nil && e.Number == p.Canary.Release {
			return false
		}
		surplus--
		return true
	})
}

// public is what callers see of the pointer.
func (p *pointer) public(app string, revision uint64) hooks.Pointer {
	return hooks.Pointer{App: app, Release: p.Current, Canary: p.Canary, Revision: revision, Created: p.Created}
}

const pointerPrefix = "app."

// pointer returns an app's pointer and its revision, both empty if there is no such app.
func (r *Releases) pointer(ctx context.Context, app string) (p pointer, revision uint64, err error) {
	kept, err := r.conn.kv.Get(ctx, pointerPrefix+app)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return pointer{}, 0, nil
	case err != nil:
		return pointer{}, 0, unavailable("releases of app "+app, err)
	}
	if err := json.Unmarshal(kept.Value(), &p); err != nil {
		return p, 0, unavailable("releases of app "+app, err)
	}
	return p, kept.Revision(), nil
}

// swing replaces the app's pointer if it is still at that revision, and returns the new one.
func (r *Releases) swing(ctx context.Context, app string, p pointer, revision uint64) (uint64, error) {
	value, err := json.Marshal(p)
	if err != nil {
		return 0, fmt.Errorf("releases of app %s: %w", app, err)
	}
	revision, err = replace(ctx, r.conn.kv, pointerPrefix+app, value, revision)
	switch {
	case errors.Is(err, errReplaced):
		return 0, conflict(app)
	case err != nil:
		return 0, unavailable("releases of app "+app, err)
	}
	return revision, nil
}

// errReplaced means that a key is no longer at the revision that was expected.
var errReplaced = errors.New("somebody else has changed it")

// replace puts a value if the key is still at that revision; 0 means that there is no such key.
func replace(ctx context.Context, kv jetstream.KeyValue, key string, value []byte, revision uint64) (next uint64, err error) {
	if revision == 0 {
		next, err = kv.Create(ctx, key, value)
	} else {
		next, err = kv.Update(ctx, key, value, revision)
	}
	if errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return 0, errReplaced
	}
	return next, err
}
