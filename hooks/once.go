package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/tidwall/gjson"
)

// Marks keeps what was done once, by app and key. A [KV] can.
type Marks interface {
	Load(ctx context.Context, app, key string) (KVEntry, error)
	Store(ctx context.Context, app, key string, e KVEntry) error
}

// Once sees to it that something is done once for a key, by whoever begins first, also over processes that die.
type Once struct{ Marks Marks }

// The times of once.
const (
	// OnceTTL is for how long it is known that something was done, if nothing else is said.
	OnceTTL = 24 * time.Hour
	// MaxOnceTTL is for how long it can be known.
	MaxOnceTTL = 7 * 24 * time.Hour
	// onceLease is after what time somebody else may do what was begun and not ended: longer than any run.
	onceLease = MaxTimeout + 10*time.Second
)

// Mark is what is known of a key.
type Mark struct {
	Owner   string          `json:"owner"`           // who began
	Print   string          `json:"print,omitempty"` // of what is done; the same key for something else is a CONFLICT
	Until   time.Time       `json:"until,omitzero"`  // when somebody else may begin; zero: it is done
	Value   json.RawMessage `json:"value,omitempty"` // what came of it
	Expires time.Time       `json:"expires"`
}

// Done reports whether it was done.
func (m *Mark) Done() bool { return m.Until.IsZero() }

// Begin returns true if the owner is to do what the key stands for, or the mark of who has done it. While somebody else is
// at it the error is a CONFLICT, as it is if the key stands for something of another print. An owner that has begun and
// not ended begins again.
func (o *Once) Begin(ctx context.Context, app, key string, m Mark, ttl time.Duration) (first bool, done Mark, err error) {
	if ttl <= 0 || ttl > MaxOnceTTL {
		ttl = OnceTTL
	}
	for range kvAttempts {
		now := time.Now()
		kept, e, err := o.load(ctx, app, key)
		switch {
		case err != nil:
			return false, kept, err
		case e.Revision == 0:
		case kept.Print != m.Print:
			return false, kept, Errorf(CodeConflict, "the key was used for something else")
		case kept.Done():
			return false, kept, nil
		case kept.Owner != m.Owner && now.Before(kept.Until):
			return false, kept, Errorf(CodeConflict, "the same is being done at this moment")
		}
		m.Until, m.Expires = now.Add(onceLease), now.Add(ttl)
		err = o.store(ctx, app, key, &m, e.Revision)
		if !errors.Is(err, ErrStale) {
			return err == nil, m, err
		}
	}
	return false, m, Errorf(CodeConflict, "too many are beginning the same; try again")
}

// End says that the owner has done it, and what came of it.
func (o *Once) End(ctx context.Context, app, key, owner string, value json.RawMessage) error {
	kept, e, err := o.load(ctx, app, key)
	if err != nil || e.Revision == 0 || kept.Owner != owner {
		return err // somebody else has taken over
	}
	kept.Until, kept.Value = time.Time{}, value
	return o.store(ctx, app, key, &kept, e.Revision)
}

// Fail says that the owner has not done it, so that the next who begins may.
func (o *Once) Fail(ctx context.Context, app, key, owner string) error {
	kept, e, err := o.load(ctx, app, key)
	if err != nil || e.Revision == 0 || kept.Owner != owner || kept.Done() {
		return err
	}
	err = o.Marks.Store(ctx, app, key, KVEntry{Revision: e.Revision})
	if errors.Is(err, ErrStale) {
		return nil
	}
	return err
}

func (o *Once) load(ctx context.Context, app, key string) (m Mark, e KVEntry, err error) {
	e, err = o.Marks.Load(ctx, app, key)
	if err != nil || e.Revision == 0 {
		return m, e, err
	}
	if err := json.Unmarshal(e.Value, &m); err != nil {
		return m, e, Errorf(CodeUnavailable, "what was done once cannot be read").Because(err)
	}
	return m, e, nil
}

func (o *Once) store(ctx context.Context, app, key string, m *Mark, revision uint64) error {
	return o.Marks.Store(ctx, app, key, KVEntry{Value: mustMarshal(m), Expires: m.Expires, Revision: revision})
}

// Functions are the host functions once.begin, once.done and once.fail. The run of one hook for one event is one owner,
// however often it is tried.
func (o *Once) Functions() HostFunctions {
	return HostFunctions{"once.begin": o.begin, "once.done": o.done, "once.fail": o.fail}
}

// onceKey keeps the keys of scripts apart from those of requests.
func onceKey(args []json.RawMessage) (string, error) {
	key, err := kvArgs(args).key()
	return "script:" + key, err
}

func (c *Caller) owner() string { return c.Event.ID + "/" + c.Name }

func (o *Once) begin(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	key, err := onceKey(args)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	until, err := expiry(kvArgs(args).at(1), now)
	if err != nil {
		return nil, err
	}
	ttl := OnceTTL
	if !until.IsZero() {
		ttl = until.Sub(now)
	}
	if ttl > MaxOnceTTL {
		return nil, Errorf(CodeBadRequest, "once knows for %.0f seconds at most what was done", MaxOnceTTL.Seconds())
	}
	first, done, err := o.Begin(ctx, c.Event.App, key, Mark{Owner: c.owner()}, ttl)
	switch {
	case err != nil:
		return nil, err
	case first:
		return json.RawMessage(`{"first":true}`), nil
	case !gjson.ValidBytes(done.Value):
		return json.RawMessage(`{"first":false}`), nil
	}
	return json.RawMessage(`{"first":false,"value":` + string(done.Value) + `}`), nil
}

func (o *Once) done(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	key, err := onceKey(args)
	if err != nil {
		return nil, err
	}
	var value json.RawMessage
	if len(args) > 1 {
		value = args[1]
	}
	if len(value) > MaxKVValue {
		return nil, Errorf(CodeTooLarge, "once keeps values of at most %d bytes as JSON", MaxKVValue)
	}
	return nil, o.End(ctx, c.Event.App, key, c.owner(), value)
}

func (o *Once) fail(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	key, err := onceKey(args)
	if err != nil {
		return nil, err
	}
	return nil, o.Fail(ctx, c.Event.App, key, c.owner())
}
