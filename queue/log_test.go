package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func record(i int) hooks.Record {
	return hooks.Record{
		ID: fmt.Sprint(i), Time: time.Now().UTC(), App: "default", Kind: hooks.KindHook, Name: "check", Event: fmt.Sprint("e", i),
		Status: hooks.StatusOK, MS: 0.5,
	}
}

func TestLogFilters(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	l := NewLog(c)
	const n = 5000 // more than one window
	early := time.Now().UTC().Add(-time.Hour)
	for i := range n {
		r := record(i)
		switch {
		case i == 3:
			r.App = "other"
		case i == 4:
			r.Kind, r.Name, r.End = hooks.KindJob, "nightly", "done"
		case i%1000 == 5:
			r.Status = hooks.StatusFailed
		}
		if i < 100 {
			r.Time = early
		}
		l.Record(r)
	}
	l.Close()
	if l.Dropped() != 0 {
		t.Errorf("%d dropped", l.Dropped())
	}
	for name, test := range map[string]struct {
		filter      hooks.LogFilter
		n           int
		first, last string
	}{
		"newest": {hooks.LogFilter{}, 100, "4900", "4999"},
		"limit":  {hooks.LogFilter{Limit: 3}, 3, "4997", "4999"},
		"app":    {hooks.LogFilter{App: "other"}, 1, "3", "3"},
		"kind":   {hooks.LogFilter{Kind: hooks.KindJob}, 1, "4", "4"},
		"name":   {hooks.LogFilter{App: "default", Name: "nightly"}, 1, "4", "4"},
		"status": {hooks.LogFilter{Status: hooks.StatusFailed}, 5, "5", "4005"},
		"event":  {hooks.LogFilter{Event: "e17"}, 1, "17", "17"},
		"since":  {hooks.LogFilter{Since: early.Add(time.Minute), Limit: n}, n - 100, "100", "4999"},
		"all":    {hooks.LogFilter{Limit: 2 * n}, n, "0", "4999"},
		"none":   {hooks.LogFilter{App: "nobody"}, 0, "", ""},
	} {
		got, err := Logs(t.Context(), c, test.filter)
		if err != nil || len(got) != test.n {
			t.Errorf("%s: %d records, want %d (%v)", name, len(got), test.n, err)
			continue
		}
		if test.n > 0 && (got[0].ID != test.first || got[test.n-1].ID != test.last) {
			t.Errorf("%s: %s to %s, want %s to %s", name, got[0].ID, got[test.n-1].ID, test.first, test.last)
		}
	}
	if _, err := Logs(t.Context(), c, hooks.LogFilter{Name: ">"}); err == nil {
		t.Error("a name that is a wildcard is accepted")
	}
}

func TestLogsOfNothing(t *testing.T) {
	t.Parallel()
	if got, err := Logs(t.Context(), connect(t, Config{}), hooks.LogFilter{}); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

// Record does not wait for a stream that is away: what there is room for is kept until it is back, the rest is counted.
func TestLogWithoutServer(t *testing.T) {
	t.Parallel()
	s, restart := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	l := NewLog(c)
	t.Cleanup(l.Close)
	s.Shutdown()
	const n = logQueue + 3*logBatch
	start := time.Now()
	for i := range n {
		l.Record(record(i))
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("recording took %v", took)
	}
	if l.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
	restart()
	await(t, "what was kept is in the log", func() bool {
		got, err := Logs(t.Context(), c, hooks.LogFilter{Limit: n})
		return err == nil && uint64(len(got))+l.Dropped() == n
	})
}

func TestLogRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	l := NewLog(c)
	bad, large := record(1), record(2)
	bad.Name = "a.b"
	large.Log = []hooks.LogLine{{Text: strings.Repeat("x", maxPayload)}}
	l.Record(bad)
	l.Record(large)
	l.Close()
	l.Close()
	l.Record(record(3))
	if l.Dropped() != 2 {
		t.Errorf("%d dropped, want the bad one and the one after Close", l.Dropped())
	}
	got, err := Logs(t.Context(), c, hooks.LogFilter{})
	if err != nil || len(got) != 1 || got[0].ID != "2" || len(got[0].Log) != 1 || len(got[0].Log[0].Text) > 100 {
		t.Errorf("%d records, %v", len(got), err)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	s, restart := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	l := NewLog(c)
	t.Cleanup(l.Close)
	l.Record(record(1))
	await(t, "the first record is stored", func() bool {
		got, err := Logs(t.Context(), c, hooks.LogFilter{})
		return err == nil && len(got) == 1
	})
	seen := make(chan string, 100)
	run(t, func(ctx context.Context) error {
		return Tail(ctx, c, hooks.LogFilter{Since: time.Now().Add(-time.Hour)}, func(r hooks.Record) error {
			seen <- r.ID
			return nil
		})
	})
	if id := <-seen; id != "1" {
		t.Errorf("record %s", id)
	}
	l.Record(record(2))
	if id := <-seen; id != "2" {
		t.Errorf("record %s", id)
	}
	s.Shutdown()
	restart()
	l.Record(record(3))
	select {
	case id := <-seen:
		if id != "3" {
			t.Errorf("record %s after the restart", id)
		}
	case <-time.After(30 * time.Second):
		t.Error("nothing after the restart")
	}
}

func TestTailFromNowUntilError(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	l := NewLog(c)
	t.Cleanup(l.Close)
	enough := errors.New("enough")
	ended := make(chan error, 1)
	go func() {
		ended <- Tail(t.Context(), c, hooks.LogFilter{Status: hooks.StatusFailed}, func(hooks.Record) error { return enough })
	}()
	r := record(1)
	r.Status = hooks.StatusFailed
	var err error
	await(t, "the tail has seen a record", func() bool {
		r.ID += "+"
		l.Record(r)
		select {
		case err = <-ended:
			return true
		default:
			return false
		}
	})
	if !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}
