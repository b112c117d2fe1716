package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

func replaced(id string, from int64, fields string) hooks.Change {
	doc := fmt.Sprintf(`{"_id":%q,"_version":%d%s}`, id, from+1, fields)
	return hooks.Change{ID: id, Document: json.RawMessage(doc), Version: from}
}

func TestInsertTwice(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("a", ""))
		err := s.Write(t.Context(), app, collection, []hooks.Change{document("a", `"n":2`)})
		e, ok := errors.AsType[*hooks.Error](err)
		if !ok || e.Code != hooks.CodeConflict || e.Message != `customer "a" already exists` || errors.Is(err, hooks.ErrStale) {
			t.Errorf("got %v", err)
		}
		if got, err := s.Get(t.Context(), app, collection, "a"); err != nil || string(got) != `{"_id":"a","_version":0}` {
			t.Errorf("the document is now %s, %v", got, err)
		}
	})
}

func TestVersions(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("a", ""))
		write(t, s, replaced("a", 0, `,"n":1`))
		stale := []hooks.Change{
			replaced("a", 0, ""),
			replaced("a", 2, ""),
			replaced("none", 0, ""),
			{ID: "a", Version: 0},
			{ID: "none", Version: 0},
		}
		for _, c := range stale {
			err := s.Write(t.Context(), app, collection, []hooks.Change{c})
			e, ok := errors.AsType[*hooks.Error](err)
			if !ok || e.Code != hooks.CodeConflict || !errors.Is(err, hooks.ErrStale) {
				t.Errorf("%s %s at %d: got %v, want a stale CONFLICT", c.ID, c.Document, c.Version, err)
			}
		}
		if got, _ := s.Get(t.Context(), app, collection, "a"); string(got) != `{"_id":"a","_version":1,"n":1}` {
			t.Errorf("the document is now %s", got)
		}
		write(t, s, hooks.Change{ID: "a", Version: 1})
		if got := find(t, s, "", ""); len(got) != 0 {
			t.Errorf("deleted and still there: %q", got)
		}
		write(t, s, document("a", ""))
	})
}

// A counter that many raise at once, each by the version it has read, misses no step.
func TestConcurrentChanges(t *testing.T) {
	const writers, steps = 8, 10
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("a", `"n":0`))
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range steps {
					for raise(t, s, "a") != nil && !t.Failed() {
					}
				}
			})
		}
		wg.Wait()
		got, err := s.Get(t.Context(), app, collection, "a")
		if want := fmt.Sprintf(`{"_id":"a","_version":%d,"n":%d}`, writers*steps, writers*steps); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
		if n := len(takeAll(t, s)); n != writers*steps {
			t.Errorf("%d events, want %d", n, writers*steps)
		}
	})
}

// raise adds one to n; an error other than a stale version fails the test.
func raise(t *testing.T, s database, id string) error {
	raw, err := s.Get(t.Context(), app, collection, id)
	if err != nil {
		t.Error(err)
		return err
	}
	var doc struct {
		Version int64 `json:"_version"`
		N       int   `json:"n"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Error(err)
		return err
	}
	change := replaced(id, doc.Version, fmt.Sprintf(`,"n":%d`, doc.N+1))
	change.Event = event(fmt.Sprint(doc.Version))
	err = s.Write(t.Context(), app, collection, []hooks.Change{change})
	if err != nil && !errors.Is(err, hooks.ErrStale) {
		t.Error(err)
	}
	return err
}

// Of many that insert the same document one succeeds.
func TestConcurrentInserts(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		for round := range 10 {
			var wg sync.WaitGroup
			var made atomic.Int32
			for range 8 {
				wg.Go(func() {
					err := s.Write(t.Context(), app, collection, []hooks.Change{document(fmt.Sprint(round), "")})
					if err == nil {
						made.Add(1)
					} else if hooks.AsError(err).Code != hooks.CodeConflict {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if made.Load() != 1 {
				t.Fatalf("%d inserts of one document succeeded", made.Load())
			}
		}
	})
}

func TestAllOrNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("a", ""), document("b", ""))
		insert := document("new", "")
		insert.Event = event("1")
		change := replaced("a", 0, `,"n":1`)
		change.Event = event("2")
		deletion := hooks.Change{ID: "b", Version: 0, Event: event("3")}
		for _, bad := range []hooks.Change{document("b", ""), replaced("b", 7, ""), {ID: "none", Version: 0}, document("c", `"x":"\u0000"`)} {
			if err := s.Write(t.Context(), app, collection, []hooks.Change{insert, change, bad, deletion}); err == nil {
				t.Fatalf("%s %s was written", bad.ID, bad.Document)
			}
			if got := strings.Join(find(t, s, "", ""), " "); got != "a b" {
				t.Errorf("after %s %s there are %s", bad.ID, bad.Document, got)
			}
			if got, _ := s.Get(t.Context(), app, collection, "a"); string(got) != `{"_id":"a","_version":0}` {
				t.Errorf("half a write is there: %s", got)
			}
			if events := takeAll(t, s); len(events) != 0 {
				t.Errorf("%d events of a refused write", len(events))
			}
		}
		write(t, s, insert, change, deletion)
		if got := strings.Join(find(t, s, "", ""), " "); got != "a new" {
			t.Errorf("got %s", got)
		}
		if events := takeAll(t, s); len(events) != 3 || events[0].ID != "1" || events[1].ID != "2" || events[2].ID != "3" {
			t.Errorf("%d events", len(events))
		}
		write(t, s) // no changes
	})
}

// Writes that share a transaction do not share their fate.
func TestManyWritesAtOnce(t *testing.T) {
	const writers, each = 16, 12
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("taken", ""))
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each {
					changes := []hooks.Change{document(fmt.Sprintf("%02d.%02d", w, i), "")}
					changes[0].Event = event(changes[0].ID)
					bad := i%3 == 0
					if bad {
						changes = append(changes, document("taken", ""))
					}
					if err := s.Write(t.Context(), app, collection, changes); (err != nil) != bad {
						t.Errorf("write %s: %v", changes[0].ID, err)
					}
				}
			})
		}
		wg.Wait()
		want := writers * each * 2 / 3
		if got := len(find(t, s, `{"_id":{"$not":"taken"}}`, "")); got != want {
			t.Errorf("%d documents, want %d", got, want)
		}
		if got := len(takeAll(t, s)); got != want {
			t.Errorf("%d events, want %d", got, want)
		}
	})
}

func TestRestart(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		change := document("a", `"n":1`)
		change.Event = event("e1")
		write(t, s, change)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); hooks.AsError(err).Code != hooks.CodeUnavailable {
			t.Errorf("ping of a closed store: %v", err)
		}
		err := s.Write(t.Context(), app, collection, []hooks.Change{document("b", "")})
		if _, ok := errors.AsType[*hooks.Error](err); !ok || hooks.AsError(err).Code != hooks.CodeUnavailable {
			t.Errorf("write to a closed store: %v", err)
		}
		s = open.must(t)
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if got := find(t, s, `{"n":1}`, ""); len(got) != 1 {
			t.Errorf("documents after a restart: %q", got)
		}
		if events := takeAll(t, s); len(events) != 1 || events[0].ID != "e1" {
			t.Errorf("%d events after a restart", len(events))
		}
	})
}

func TestCancelled(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, people...)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, getErr := s.Get(ctx, app, collection, "a")
		_, findErr := s.Find(ctx, app, collection, nil, nil)
		_, _, takeErr := s.Take(ctx, 1, nil)
		for _, err := range []error{getErr, findErr, takeErr, s.Write(ctx, app, collection, []hooks.Change{document("z", "")})} {
			if !errors.Is(err, context.Canceled) || hooks.AsError(err).Code != hooks.CodeUnavailable {
				t.Errorf("got %v", err)
			}
			if e := hooks.AsError(err); strings.Contains(e.Message, "SELECT") || strings.Contains(e.Message, "postgres://") {
				t.Errorf("the caller reads %q", e.Message)
			}
		}
	})
}

// Processes that start at once on an empty database all get their tables.
func TestOpenAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				s, err := open(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if err := s.Write(t.Context(), app, collection, []hooks.Change{document(fmt.Sprint(i), "")}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := find(t, open.must(t), "", ""); len(got) != 6 {
			t.Errorf("got %q", got)
		}
	})
}
