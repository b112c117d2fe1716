package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"gaff/hooks"
)

// Readers of the log leave nothing behind on the server, which has room for so many.
func TestReadersOfLogAreGone(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	log := NewLog(c)
	t.Cleanup(log.Close)
	log.Record(hooks.Record{ID: "one", Time: time.Now(), App: "default", Kind: hooks.KindHook, Name: "h", Function: "before"})
	await(t, "a record", func() bool { return len(allRecords(t, c)) == 1 })
	enough := errors.New("enough")
	for range 20 {
		if records, err := Logs(t.Context(), c, hooks.LogFilter{}); err != nil || len(records) != 1 {
			t.Fatal(records, err)
		}
		if records, err := Logs(t.Context(), c, hooks.LogFilter{App: "other"}); err != nil || len(records) != 0 {
			t.Fatal(records, err)
		}
		f := hooks.LogFilter{Since: time.Now().Add(-time.Minute)}
		if err := Tail(t.Context(), c, f, func(hooks.Record) error { return enough }); !errors.Is(err, enough) {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		if err := Tail(ended, c, f, func(hooks.Record) error { cancel(); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := c.js.Stream(t.Context(), c.logStream())
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Consumers; n > 1 {
		t.Errorf("%d consumers are left", n)
	}
}
