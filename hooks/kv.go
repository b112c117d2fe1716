package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// KV keeps the values of scripts by app and key. One app never sees another's.
type KV interface {
	// Load returns what is kept, or an entry without a revision.
	Load(ctx context.Context, app, key string) (KVEntry, error)
	// Store keeps the entry, without a value it removes the key. If the entry has a revision other than [AnyRevision] and
	// what is kept has another (0: nothing is kept), the error is [ErrStale]; if the app keeps too much, that of [KVFull].
	Store(ctx context.Context, app, key string, e KVEntry) error
	// Keys lists the app's keys that begin with prefix, sorted, at most limit.
	Keys(ctx context.Context, app, prefix string, limit int) ([]string, error)
}

// KVEntry is what is kept under a key.
type KVEntry struct {
	Value    json.RawMessage
	Expires  time.Time // zero: never
	Revision uint64
}

// Expired reports whether the entry is none any more.
func (e *KVEntry) Expired(now time.Time) bool { return !e.Expires.IsZero() && !now.Before(e.Expires) }

// KVUsage is how much an app keeps.
type KVUsage struct {
	Keys  int
	Bytes int64 // of keys and values
}

// Add adds more if there is room for it, and reports whether there was.
func (u *KVUsage) Add(more KVUsage) bool {
	if u.Keys+more.Keys > MaxKVKeys || u.Bytes+more.Bytes > MaxKVBytes {
		return false
	}
	u.Keys += more.Keys
	u.Bytes += more.Bytes
	return true
}

// KVFull is the error of an app that keeps as much as it may.
func KVFull() *Error {
	return Errorf(CodeOverloaded, "an app keeps at most %d keys and %d MiB in kv: delete some, or give them a ttl", MaxKVKeys, MaxKVBytes>>20)
}

// AnyRevision has [KV.Store] replace whatever there is.
const AnyRevision = math.MaxUint64

// The bounds of kv.
const (
	MaxKVKey   = 512      // bytes
	MaxKVValue = 64 << 10 // bytes of JSON
	MaxKVKeys  = 10_000   // of one app
	MaxKVBytes = 32 << 20 // of one app, keys and values
	maxKVList  = 1000
	maxKVTTL   = 10 * 365 * 24 * time.Hour
	kvAttempts = 1000 // of a change that others overtake
)

// KVFunctions are the host functions kv.get, kv.set, kv.delete, kv.incr and kv.list.
func KVFunctions(kv KV) HostFunctions {
	f := &kvFunctions{kv: kv}
	for i := range f.turns {
		f.turns[i] = make(chan struct{}, 1)
	}
	return HostFunctions{"kv.get": f.get, "kv.set": f.set, "kv.delete": f.delete, "kv.incr": f.incr, "kv.list": f.list}
}

type kvFunctions struct {
	kv KV
	// turns are taken by changes that depend on what is kept, by app and key: those of one process would only overtake
	// each other.
	turns [64]chan struct{}
}

// turn waits until it is a change's turn; done ends it.
func (f *kvFunctions) turn(ctx context.Context, app, key string) (done func(), err error) {
	h := fnv.New32a()
	_, _ = io.WriteString(h, app+"/"+key) // a hash takes everything
	turn := f.turns[h.Sum32()%uint32(len(f.turns))]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, Errorf(CodeOverloaded, "too many change %.80q at once", key)
	}
}

// kvArgs are the arguments of a call.
type kvArgs []json.RawMessage

func (a kvArgs) at(i int) gjson.Result {
	if i >= len(a) {
		return gjson.Result{}
	}
	return gjson.ParseBytes(a[i])
}

func (a kvArgs) key() (string, error) {
	key := a.at(0)
	if key.Type != gjson.String || key.Str == "" || len(key.Str) > MaxKVKey {
		return "", Errorf(CodeBadRequest, "a key of kv is a text of 1 to %d bytes", MaxKVKey)
	}
	return key.Str, nil
}

// expiry reads the option ttl, in seconds.
func expiry(options gjson.Result, now time.Time) (time.Time, error) {
	ttl := options.Get("ttl")
	switch {
	case !ttl.Exists(), ttl.Type == gjson.Null:
		return time.Time{}, nil
	case ttl.Type != gjson.Number, ttl.Num <= 0, ttl.Num > maxKVTTL.Seconds():
		return time.Time{}, Errorf(CodeBadRequest, "ttl is a number of seconds, more than 0")
	}
	return now.Add(time.Duration(ttl.Num * float64(time.Second))), nil
}

func (f *kvFunctions) get(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	key, err := kvArgs(args).key()
	if err != nil {
		return nil, err
	}
	e, err := f.kv.Load(ctx, c.Event.App, key)
	if err != nil || e.Revision == 0 {
		return json.RawMessage("null"), err
	}
	return e.Value, nil
}

func (f *kvFunctions) set(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	a := kvArgs(args)
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	if len(args) < 2 || len(args[1]) > MaxKVValue {
		return nil, Errorf(CodeTooLarge, "kv keeps values of at most %d bytes as JSON, and undefined is none", MaxKVValue)
	}
	e := KVEntry{Value: args[1], Revision: AnyRevision}
	if e.Expires, err = expiry(a.at(2), time.Now()); err != nil {
		return nil, err
	}
	if a.at(2).Get("ifAbsent").Bool() {
		e.Revision = 0
	}
	err = f.kv.Store(ctx, c.Event.App, key, e)
	if errors.Is(err, ErrStale) {
		return json.RawMessage("false"), nil
	}
	return json.RawMessage("true"), err
}

func (f *kvFunctions) delete(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	key, err := kvArgs(args).key()
	if err != nil {
		return nil, err
	}
	e, err := f.kv.Load(ctx, c.Event.App, key)
	if err != nil || e.Revision == 0 {
		return json.RawMessage("false"), err
	}
	return json.RawMessage("true"), f.kv.Store(ctx, c.Event.App, key, KVEntry{Revision: AnyRevision})
}

// incr adds to a number, which begins as 0; a key keeps its expiry unless another is given.
func (f *kvFunctions) incr(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	a := kvArgs(args)
	key, err := a.key()
	if err != nil {
		return nil, err
	}
	by := 1.0
	if given := a.at(1); given.Type == gjson.Number {
		by = given.Num
	} else if given.Exists() && given.Type != gjson.Null {
		return nil, Errorf(CodeBadRequest, "kv.incr adds a number")
	}
	expires, err := expiry(a.at(2), time.Now())
	if err != nil {
		return nil, err
	}
	done, err := f.turn(ctx, c.Event.App, key)
	if err != nil {
		return nil, err
	}
	defer done()
	for range kvAttempts {
		e, err := f.kv.Load(ctx, c.Event.App, key)
		if err != nil {
			return nil, err
		}
		old := gjson.ParseBytes(e.Value)
		if e.Revision != 0 && old.Type != gjson.Number {
			return nil, Errorf(CodeBadRequest, "kv.incr: %.80q is not a number", key)
		}
		if sum := old.Num + by; math.IsInf(sum, 0) || math.IsNaN(sum) {
			return nil, Errorf(CodeBadRequest, "kv.incr: %.80q would be too large", key)
		}
		e.Value = json.RawMessage(strconv.FormatFloat(old.Num+by, 'f', -1, 64))
		if !expires.IsZero() {
			e.Expires = expires
		}
		if err = f.kv.Store(ctx, c.Event.App, key, e); !errors.Is(err, ErrStale) {
			return e.Value, err
		}
	}
	return nil, Errorf(CodeOverloaded, "kv.incr: too many change %.80q at once", key)
}

func (f *kvFunctions) list(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	a := kvArgs(args)
	limit := maxKVList
	if n := a.at(1).Get("limit"); n.Type == gjson.Number && n.Num >= 0 && n.Num < maxKVList {
		limit = int(n.Num)
	}
	keys, err := f.kv.Keys(ctx, c.Event.App, a.at(0).Str, limit)
	if err != nil {
		return nil, err
	}
	return mustMarshal(append([]string{}, keys...)), nil
}
