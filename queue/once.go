package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// onceAge bounds for how long it is known what was done once.
const onceAge = hooks.MaxOnceTTL

// Marks keeps what was done once, each for as long as it says, at most [hooks.MaxOnceTTL].
type Marks struct{ conn *Conn }

var _ hooks.Marks = (*Marks)(nil)

// NewMarks returns the marks under the connection's prefix.
func NewMarks(conn *Conn) *Marks { return &Marks{conn} }

// mark is what is kept.
type mark struct {
	Expires time.Time       `json:"expires"`
	Value   json.RawMessage `json:"value"`
}

// key is of any text: what it is does not matter, only whether it is the same.
func (*Marks) key(app, key string) string {
	sum := sha256.Sum256([]byte(key))
	return app + "." + hex.EncodeToString(sum[:16])
}

// Load returns what is kept, or an entry without a revision.
func (k *Marks) Load(ctx context.Context, app, key string) (hooks.KVEntry, error) {
	kept, err := k.conn.once.Get(ctx, k.key(app, key))
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return hooks.KVEntry{}, nil
	case err != nil:
		return hooks.KVEntry{}, unavailable("once", err)
	}
	var m mark
	if err := json.Unmarshal(kept.Value(), &m); err != nil {
		return hooks.KVEntry{}, unavailable("once", err)
	}
	if !time.Now().Before(m.Expires) {
		return hooks.KVEntry{}, k.expire(ctx, app, key, kept.Revision())
	}
	return hooks.KVEntry{Value: m.Value, Expires: m.Expires, Revision: kept.Revision()}, nil
}

// expire removes a mark whose time is up, unless it was replaced.
func (k *Marks) expire(ctx context.Context, app, key string, revision uint64) error {
	err := k.conn.once.Delete(ctx, k.key(app, key), jetstream.LastRevision(revision))
	if err != nil && !isWrongRevision(err) {
		return unavailable("once", err)
	}
	return nil
}

// Store keeps the entry, or removes the key, if it is at the entry's revision.
func (k *Marks) Store(ctx context.Context, app, key string, e hooks.KVEntry) error {
	if e.Value == nil {
		return k.expire(ctx, app, key, e.Revision)
	}
	value, err := json.Marshal(mark{e.Expires, e.Value})
	if err != nil {
		return unavailable("once", err)
	}
	if e.Revision == 0 {
		_, err = k.conn.once.Create(ctx, k.key(app, key), value)
	} else {
		_, err = k.conn.once.Update(ctx, k.key(app, key), value, e.Revision)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), isWrongRevision(err):
		return hooks.ErrStale
	}
	return unavailable("once", err)
}
