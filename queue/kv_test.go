package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// kvCall calls one of the functions of kv as an app's script does.
func kvCall(t *testing.T, kv hooks.KV, app, name string, args ...any) (string, error) {
	t.Helper()
	raw := make([]json.RawMessage, len(args))
	for i, a := range args {
		raw[i], _ = json.Marshal(a)
	}
	got, err := hooks.KVFunctions(kv)["kv."+name](t.Context(), &hooks.Caller{Event: &hooks.Event{App: app}}, raw)
	return string(got), err
}

// TestKV is what both kinds of kv do.
func TestKV(t *testing.T) {
	t.Parallel()
	for name, kv := range map[string]hooks.KV{"nats": NewKV(connect(t, Config{})), "memory": &hooks.MemoryKV{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long := strings.Repeat("ä", hooks.MaxKVKey/2)
			for _, c := range []struct {
				app, name string
				args      []any
				want      string
				code      hooks.Code
			}{
				{"shop", "get", []any{"a"}, "null", ""},
				{"shop", "set", []any{"a", map[string]int{"n": 1}}, "true", ""},
				{"shop", "get", []any{"a"}, `{"n":1}`, ""},
				{"other", "get", []any{"a"}, "null", ""}, // one app's are not another's
				{"other", "set", []any{"a", "theirs"}, "true", ""},
				{"shop", "set", []any{"a", 2, map[string]bool{"ifAbsent": true}}, "false", ""},
				{"shop", "set", []any{"b", nil}, "true", ""},
				{"shop", "get", []any{"b"}, "null", ""},
				{"shop", "set", []any{"user.*/ ü:1", 3}, "true", ""},
				{"shop", "set", []any{long, 4}, "true", ""},
				{"shop", "get", []any{long}, "4", ""},
				{"shop", "list", []any{}, fmt.Sprintf(`["a","b","user.*/ ü:1",%q]`, long), ""},
				{"shop", "list", []any{"user"}, `["user.*/ ü:1"]`, ""},
				{"shop", "list", []any{"", map[string]int{"limit": 1}}, `["a"]`, ""},
				{"shop", "incr", []any{"n"}, "1", ""},
				{"shop", "incr", []any{"n", 41}, "42", ""},
				{"shop", "incr", []any{"n", -0.5}, "41.5", ""},
				{"shop", "incr", []any{"a"}, "", hooks.CodeBadRequest},
				{"shop", "set", []any{"huge", 1e308}, "true", ""},
				{"shop", "incr", []any{"huge", 1e308}, "", hooks.CodeBadRequest},
				{"shop", "delete", []any{"huge"}, "true", ""},
				{"shop", "incr", []any{"n", "x"}, "", hooks.CodeBadRequest},
				{"shop", "delete", []any{"a"}, "true", ""},
				{"shop", "delete", []any{"a"}, "false", ""},
				{"shop", "get", []any{"a"}, "null", ""},
				{"other", "get", []any{"a"}, `"theirs"`, ""},
				{"shop", "set", []any{"a", 5, map[string]bool{"ifAbsent": true}}, "true", ""},
				{"shop", "get", []any{""}, "", hooks.CodeBadRequest},
				{"shop", "get", []any{long + "x"}, "", hooks.CodeBadRequest},
				{"shop", "set", []any{"a"}, "", hooks.CodeTooLarge},
				{"shop", "set", []any{"a", strings.Repeat("x", hooks.MaxKVValue)}, "", hooks.CodeTooLarge},
				{"shop", "set", []any{"a", 1, map[string]int{"ttl": -1}}, "", hooks.CodeBadRequest},
			} {
				got, err := kvCall(t, kv, c.app, c.name, c.args...)
				if c.code != "" {
					if !hasCode(err, c.code) {
						t.Errorf("%s %v: %s, %v", c.name, c.args, got, err)
					}
				} else if err != nil || got != c.want {
					t.Errorf("%s %.60v: got %s, %v, want %s", c.name, c.args, got, err, c.want)
				}
			}
		})
	}
}

// What expires is gone, for everybody, and its key is free.
func TestKVExpiry(t *testing.T) {
	t.Parallel()
	for name, kv := range map[string]hooks.KV{"nats": NewKV(connect(t, Config{})), "memory": &hooks.MemoryKV{}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ttl := map[string]any{"ttl": 0.5, "ifAbsent": true}
			if got, err := kvCall(t, kv, "shop", "set", "lock", 1, ttl); got != "true" || err != nil {
				t.Fatal(got, err)
			}
			if got, err := kvCall(t, kv, "shop", "incr", "lock"); got != "2" || err != nil {
				t.Fatal(got, err)
			}
			await(t, "the lock is free", func() bool {
				got, err := kvCall(t, kv, "shop", "set", "lock", 3, ttl)
				return err == nil && got == "true"
			})
		})
	}
}

// Of those who wait for what has expired, one gets it.
func TestKVExpiredLock(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	kv := NewKV(c)
	ctx := context.WithoutCancel(t.Context())
	for i := range 20 {
		key := fmt.Sprint("lock", i)
		gone := hooks.KVEntry{Value: []byte("1"), Expires: time.Now().Add(-time.Second), Revision: hooks.AnyRevision}
		if err := kv.Store(ctx, "shop", key, gone); err != nil {
			t.Fatal(err)
		}
		var got atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				err := kv.Store(ctx, "shop", key, hooks.KVEntry{Value: []byte("2")})
				if err == nil {
					got.Add(1)
				} else if !errors.Is(err, hooks.ErrStale) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got.Load() != 1 {
			t.Fatalf("%d have the lock", got.Load())
		}
	}
}

// Removing what somebody has changed meanwhile does not.
func TestKVRemovesWhatItKnows(t *testing.T) {
	t.Parallel()
	for name, kv := range map[string]hooks.KV{"nats": NewKV(connect(t, Config{})), "memory": &hooks.MemoryKV{}} {
		ctx := context.WithoutCancel(t.Context())
		store := func(e hooks.KVEntry) error { return kv.Store(ctx, "shop", "k", e) }
		if err := store(hooks.KVEntry{Value: []byte("1")}); err != nil {
			t.Fatal(err)
		}
		old, err := kv.Load(ctx, "shop", "k")
		if err != nil {
			t.Fatal(err)
		}
		if err := store(hooks.KVEntry{Value: []byte("2"), Revision: old.Revision}); err != nil {
			t.Fatal(err)
		}
		if err := store(hooks.KVEntry{Revision: old.Revision}); !errors.Is(err, hooks.ErrStale) {
			t.Errorf("%s: %v", name, err)
		}
		now, err := kv.Load(ctx, "shop", "k")
		if err != nil || string(now.Value) != "2" {
			t.Errorf("%s: %s, %v", name, now.Value, err)
		}
		if err := store(hooks.KVEntry{Revision: now.Revision}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if gone, err := kv.Load(ctx, "shop", "k"); err != nil || gone.Revision != 0 {
			t.Errorf("%s: %+v, %v", name, gone, err)
		}
	}
}

// Of several processes that count at once, and many runs in each, none is forgotten.
func TestKVCountsUnderContention(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var wg sync.WaitGroup
	for range 3 {
		functions := hooks.KVFunctions(NewKV(connect(t, Config{Prefix: c.config.Prefix})))
		for range 20 {
			wg.Go(func() {
				for range 5 {
					_, err := functions["kv.incr"](t.Context(), &hooks.Caller{Event: &hooks.Event{App: "shop"}}, []json.RawMessage{[]byte(`"n"`)})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	wg.Wait()
	if got, err := kvCall(t, NewKV(c), "shop", "get", "n"); got != "300" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// What is kept is there after the server has started anew.
func TestKVSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	with := func(f func(kv hooks.KV)) {
		s, err := StartServer(ServerConfig{Addr: "127.0.0.1:0", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Shutdown()
		conn, err := Connect(t.Context(), Config{URL: s.URL(), Prefix: "gaff"})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		f(NewKV(conn))
	}
	with(func(kv hooks.KV) {
		kvCall(t, kv, "shop", "set", "a", "kept")
		kvCall(t, kv, "shop", "set", "b", "kept", map[string]int{"ttl": 3600})
		kvCall(t, kv, "shop", "set", "c", "gone", map[string]float64{"ttl": 0.01})
		kvCall(t, kv, "shop", "incr", "n", 41)
	})
	with(func(kv hooks.KV) {
		for key, want := range map[string]string{"a": `"kept"`, "b": `"kept"`, "c": "null", "n": "41"} {
			if got, err := kvCall(t, kv, "shop", "get", key); got != want || err != nil {
				t.Errorf("%s: %s, %v", key, got, err)
			}
		}
		if got, err := kvCall(t, kv, "shop", "incr", "n"); got != "42" || err != nil {
			t.Errorf("%s, %v", got, err)
		}
	})
}

// What an app keeps is bounded, by keys and by bytes, and is not in the way of others.
func TestKVRoom(t *testing.T) {
	t.Parallel()
	nats := NewKV(connect(t, Config{}))
	ctx := context.WithoutCancel(t.Context())
	large := []byte(`"` + strings.Repeat("x", hooks.MaxKVValue-2) + `"`)
	for name, kv := range map[string]hooks.KV{"nats": nats, "memory": &hooks.MemoryKV{}} {
		store := func(app, key string, value []byte) error {
			return kv.Store(ctx, app, key, hooks.KVEntry{Value: value, Revision: hooks.AnyRevision})
		}
		fit := 0
		for ; fit < hooks.MaxKVBytes/hooks.MaxKVValue+1; fit++ {
			if err := store("shop", fmt.Sprint(fit), large); hasCode(err, hooks.CodeOverloaded) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if fit != hooks.MaxKVBytes/hooks.MaxKVValue-1 { // less, because keys take room too
			t.Errorf("%s: %d values fit", name, fit)
		}
		if err := store("shop", "0", []byte("1")); err != nil {
			t.Errorf("%s: a smaller value in place of another: %v", name, err)
		}
		if err := store("other", "new", large); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	nats.conn.kvUsage.by["many"] = &kvUsed{hooks.KVUsage{Keys: hooks.MaxKVKeys}, time.Now().Add(time.Hour)}
	if err := nats.Store(ctx, "many", "new", hooks.KVEntry{Value: []byte("1"), Revision: hooks.AnyRevision}); !hasCode(err, hooks.CodeOverloaded) {
		t.Errorf("%v", err)
	}
}
