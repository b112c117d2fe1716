package queue

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// What a killed server has lost of the log, although it had acknowledged it, is published again by whoever comes next;
// what it has is not.
func TestLogIsMended(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const n = 2000
	start := func() (*Server, *Conn) {
		s, err := StartServer(ServerConfig{Addr: "127.0.0.1:0", Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s, connect(t, Config{URL: s.URL(), Prefix: "gaff"})
	}
	keep := func(c *Conn, from, to int) {
		l := NewLog(c)
		defer l.Close()
		for i := from; i < to; i++ {
			r := record(i)
			r.ID, r.Stored = fmt.Sprintf("run%d", i), func() {}
			l.Record(r)
		}
	}
	s, c := start()
	keep(c, 0, n)
	stream, err := c.js.Stream(t.Context(), c.logStream())
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(10); seq <= n; seq += 10 {
		if err := stream.DeleteMsg(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
	}
	keep(c, n, n+1) // on a server that was seen to
	check := func(wanted int) {
		t.Helper()
		all, err := Logs(t.Context(), c, hooks.LogFilter{Limit: 10 * n})
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for _, r := range all {
			ids[r.ID] = true
		}
		if len(all) != wanted || len(ids) != wanted {
			t.Errorf("%d records of %d runs, want %d", len(all), len(ids), wanted)
		}
	}
	check(n - n/10 + 1)
	c.Close()
	s.Shutdown()
	s, c = start()
	defer s.Shutdown()
	keep(c, 0, 0)
	check(n + 1)
}

// Records too many for one message are told of in several.
func TestDoneMessages(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	l := NewLog(c)
	const n = 40
	for i := range n {
		r := record(i)
		r.ID, r.Stored = fmt.Sprintf("run%d", i), func() {}
		r.Log = []hooks.LogLine{{Level: "info", Time: r.Time, Text: strings.Repeat("x", 100_000)}}
		l.Record(r)
	}
	l.Close()
	told, err := c.lastTold(t.Context())
	if err != nil || len(told) != n {
		t.Fatalf("%d records, %v", len(told), err)
	}
	d := newDone(c)
	defer d.close()
	for i := range n {
		if known, err := d.any(t.Context(), time.Now(), fmt.Sprintf("run%d", i)); err != nil || !known {
			t.Errorf("run %d: %v, %v", i, known, err)
		}
	}
}
