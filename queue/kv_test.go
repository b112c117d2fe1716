package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
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

// Of several processes that count at once, none is forgotten.
func TestKVCountsUnderContention(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var wg sync.WaitGroup
	for range 3 {
		kv := NewKV(connect(t, Config{Prefix: c.config.Prefix}))
		wg.Go(func() {
			for range 30 {
				if _, err := kvCall(t, kv, "shop", "incr", "n"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, err := kvCall(t, NewKV(c), "shop", "get", "n"); got != "90" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// An app's keys are bounded, and its own are not in the way of others.
func TestKVRoom(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	kv := NewKV(c)
	c.kvKeys.by = map[string]count{"shop": {hooks.MaxKVKeys, time.Now().Add(time.Hour)}}
	ctx := context.WithoutCancel(t.Context())
	if err := kv.Store(ctx, "shop", "new", hooks.KVEntry{Value: []byte("1"), Revision: hooks.AnyRevision}); !hasCode(err, hooks.CodeOverloaded) {
		t.Errorf("%v", err)
	}
	if err := kv.Store(ctx, "other", "new", hooks.KVEntry{Value: []byte("1"), Revision: hooks.AnyRevision}); err != nil {
		t.Errorf("%v", err)
	}
}
