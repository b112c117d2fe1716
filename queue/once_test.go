package queue

import (
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// isConflict reports whether an error is a CONFLICT.
func isConflict(err error) bool {
	e, ok := errors.AsType[*hooks.Error](err)
	return ok && e.Code == hooks.CodeConflict
}

// What was begun is done by one; its value is there for the others, and one that fails leaves it to the next.
func TestOnce(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	for name, marks := range map[string]hooks.Marks{"memory": &hooks.MemoryKV{}, "NATS": NewMarks(c)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &hooks.Once{Marks: marks}
			var firsts atomic.Int64
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					first, _, err := o.Begin(t.Context(), "default", "mail *>. ü", hooks.Mark{Owner: string(rune('a' + i))}, time.Hour)
					switch {
					case first:
						firsts.Add(1)
					case !isConflict(err):
						t.Error(err)
					}
				})
			}
			all.Wait()
			if firsts.Load() != 1 {
				t.Errorf("%d began", firsts.Load())
			}
		})
		t.Run(name+", one owner", func(t *testing.T) {
			t.Parallel()
			testOnceOwner(t, &hooks.Once{Marks: marks})
		})
	}
}

func testOnceOwner(t *testing.T, o *hooks.Once) {
	begin := func(owner, print string) (bool, hooks.Mark, error) {
		return o.Begin(t.Context(), "default", "k", hooks.Mark{Owner: owner, Print: print}, time.Hour)
	}
	for range 2 { // the run that died begins again
		if first, _, err := begin("me", "a"); !first || err != nil {
			t.Fatal(first, err)
		}
	}
	if err := o.Fail(t.Context(), "default", "k", "other"); err != nil {
		t.Error(err)
	}
	if _, _, err := begin("other", "a"); !isConflict(err) {
		t.Errorf("while it is being done: %v", err)
	}
	if err := o.Fail(t.Context(), "default", "k", "me"); err != nil {
		t.Error(err)
	}
	if first, _, err := begin("other", "a"); !first || err != nil {
		t.Errorf("after it failed: %v, %v", first, err)
	}
	if err := o.End(t.Context(), "default", "k", "other", json.RawMessage(`{"n":1}`)); err != nil {
		t.Error(err)
	}
	if first, done, err := begin("me", "a"); first || err != nil || string(done.Value) != `{"n":1}` {
		t.Errorf("done: %v, %s, %v", first, done.Value, err)
	}
	if _, _, err := begin("me", "b"); !isConflict(err) {
		t.Errorf("another print: %v", err)
	}
	if first, _, err := o.Begin(t.Context(), "other-app", "k", hooks.Mark{Owner: "x"}, time.Second); !first || err != nil {
		t.Errorf("another app: %v, %v", first, err)
	}
}

func TestOnceExpires(t *testing.T) {
	t.Parallel()
	o := &hooks.Once{Marks: NewMarks(connect(t, Config{}))}
	begin := func() bool {
		first, _, err := o.Begin(t.Context(), "default", "k", hooks.Mark{Owner: "x"}, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		return first
	}
	begin()
	if err := o.End(t.Context(), "default", "k", "x", nil); err != nil {
		t.Fatal(err)
	}
	await(t, "it may be done again", begin)
}
