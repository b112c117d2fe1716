package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// Keys keeps the keys of all apps, without their secrets. It is safe for concurrent use. Check answers from memory, which
// Watch keeps current; the other methods ask NATS.
type Keys struct {
	conn  *Conn
	ready atomic.Bool
	mu    sync.RWMutex
	byID  map[string]hooks.Key
}

// NewKeys returns the keys under the connection's prefix.
func NewKeys(conn *Conn) *Keys { return &Keys{conn: conn, byID: map[string]hooks.Key{}} }

// Check returns the key whose secret this is. The error is an UNAUTHORIZED that says what is wrong, or an UNAVAILABLE
// while Watch has not loaded the keys.
func (k *Keys) Check(secret string) (hooks.Key, error) {
	id, ok := hooks.KeyID(secret)
	if !ok {
		return hooks.Key{}, hooks.Errorf(hooks.CodeUnauthorized, "this is not a key: one begins with gaff_ and has 65 characters")
	}
	k.mu.RLock()
	key, known := k.byID[id]
	k.mu.RUnlock()
	if !known {
		if !k.ready.Load() {
			return hooks.Key{}, hooks.Errorf(hooks.CodeUnavailable, "keys are not loaded yet; try again")
		}
		return hooks.Key{}, hooks.Errorf(hooks.CodeUnauthorized, "the key is not known")
	}
	return key, key.Check(secret, time.Now())
}

// Create stores a key of [hooks.NewKey]. If there is a signing secret it is stored encrypted, and the key's requests must
// be signed with it; without the connection's vault that is an UNAVAILABLE error.
func (k *Keys) Create(ctx context.Context, key hooks.Key, signing string) error {
	if key.Signed = signing != ""; key.Signed {
		var err error
		if key.Sealed, err = k.conn.config.Vault.Seal(key.App, signingName(key.ID), signing); err != nil {
			return err
		}
	}
	value, err := json.Marshal(key)
	if err != nil {
		return fmt.Errorf("key %s: %w", key.ID, err)
	}
	if _, err := k.conn.keys.Create(ctx, key.ID, value); err != nil {
		return unavailable("keys", err)
	}
	k.remember(key)
	return nil
}

// List returns the keys of an app, revoked and expired ones too, the oldest first, as they may be shown.
func (k *Keys) List(ctx context.Context, app string) ([]hooks.Key, error) {
	if err := hooks.CheckName("app", app); err != nil {
		return nil, err
	}
	list := []hooks.Key{}
	err := k.each(ctx, func(key hooks.Key) {
		if key.App == app {
			list = append(list, key.Public())
		}
	})
	slices.SortFunc(list, func(a, b hooks.Key) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	return list, err
}

func (k *Keys) each(ctx context.Context, f func(hooks.Key)) error {
	err := each(ctx, k.conn.keys, jetstream.AllKeys, func(kept jetstream.KeyValueEntry) error {
		var key hooks.Key
		if err := json.Unmarshal(kept.Value(), &key); err != nil {
			return fmt.Errorf("key %s: %w", kept.Key(), err)
		}
		f(key)
		return nil
	})
	if err != nil {
		return unavailable("keys", err)
	}
	return nil
}

// Revoke ends a key of the app, for good. It is refused everywhere within moments; doing so again changes nothing.
func (k *Keys) Revoke(ctx context.Context, app, id string) error {
	unknown := hooks.Errorf(hooks.CodeNotFound, "app %.80s has no key %.80s", app, id)
	if !hooks.ValidKeyID(id) {
		return unknown
	}
	for {
		kept, err := k.conn.keys.Get(ctx, id)
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return unknown
		case err != nil:
			return unavailable("keys", err)
		}
		var key hooks.Key
		if err := json.Unmarshal(kept.Value(), &key); err != nil {
			return unavailable("keys", err)
		}
		if key.App != app {
			return unknown
		}
		key.Revoked = true
		value, err := json.Marshal(key)
		if err != nil {
			return fmt.Errorf("key %s: %w", id, err)
		}
		_, err = replace(ctx, k.conn.keys, id, value, kept.Revision())
		switch {
		case errors.Is(err, errReplaced):
			continue
		case err != nil:
			return unavailable("keys", err)
		}
		k.remember(key)
		return nil
	}
}

// deleteAll removes every key of an app.
func (k *Keys) deleteAll(ctx context.Context, app string) error {
	var ids []string
	err := k.each(ctx, func(key hooks.Key) {
		if key.App == app {
			ids = append(ids, key.ID)
		}
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := k.conn.keys.Delete(ctx, id); err != nil {
			return unavailable("keys", err)
		}
	}
	return nil
}

// remember is told of changes late at times, but a key that is revoked stays so.
func (k *Keys) remember(key hooks.Key) {
	k.mu.Lock()
	key.Revoked = key.Revoked || k.byID[key.ID].Revoked
	k.byID[key.ID] = key
	k.mu.Unlock()
}

func (k *Keys) forget(id string) {
	k.mu.Lock()
	delete(k.byID, id)
	k.mu.Unlock()
}

// Watch keeps what Check knows current until ctx ends, as [Releases.Watch] does for tables. It calls ready, which may be
// nil, once, when all keys have been loaded.
func (k *Keys) Watch(ctx context.Context, ready func()) error {
	f := &follower{
		conn: k.conn, what: "keys", sources: []source{{k.conn.keys, []string{jetstream.AllKeys}}},
		take: func(kept jetstream.KeyValueEntry) { k.take(kept) },
		gone: func(_, id string) { k.forget(id) },
		settle: func(context.Context) error {
			if !k.ready.Swap(true) && ready != nil {
				ready()
			}
			return nil
		},
	}
	return f.run(ctx)
}

func (k *Keys) take(kept jetstream.KeyValueEntry) {
	var key hooks.Key
	if err := json.Unmarshal(kept.Value(), &key); err != nil || key.ID != kept.Key() {
		k.conn.log.Error("a key cannot be read, and is refused", "key", kept.Key(), "error", err)
		k.forget(kept.Key())
		return
	}
	k.remember(key)
}
