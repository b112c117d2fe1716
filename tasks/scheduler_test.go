package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// TestSchedulersMakeOneTask has three schedulers and two servers share a Redis, and one scheduler come and go.
func TestSchedulersMakeOneTask(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		var l logs
		tables := set(&hooks.Tables{}, tablesOf("a", map[string]string{"fast": "@every 1s", "slow": "@every 3s"}),
			tablesOf("b", map[string]string{"fast": "@every 1s"}))
		h := newHandler()
		for range 2 {
			run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
		}
		var stops []func()
		for range 3 {
			stops = append(stops, run(t, NewScheduler(r, tables, l.logger()).Run))
		}
		seen := map[string]bool{}
		count := map[string]int{}
		late := time.After(patience)
		for count["a:fast"] < 7 || count["b:fast"] < 7 || count["a:slow"] < 2 {
			select {
			case e := <-h.events:
				if seen[e.ID] {
					t.Errorf("%s has run twice", e.ID)
				}
				seen[e.ID] = true
				job := e.App + ":" + e.Operation
				if count[job]++; count[job] == 4 {
					stops[0]() // its ticks are the others' from now on
				}
				tick := tickOf(t, e)
				if e.Operation == "slow" && tick.Unix()%3 != 0 {
					t.Errorf("%s is not at a multiple of 3 s", e.ID)
				}
				if delay := time.Since(tick); delay < 0 || delay > 10*time.Second {
					t.Errorf("%s runs %v late", e.ID, delay)
				}
			case <-late:
				t.Fatalf("only these ran: %v", count)
			}
		}
		if got := l.String(); got != "" {
			t.Errorf("log: %s", got)
		}
	})
}

// TestSchedulerFollowsReleases registers, changes and removes jobs while it runs.
func TestSchedulerFollowsReleases(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		var l logs
		tables := set(&hooks.Tables{}, tablesOf("a", map[string]string{"old": "@every 1s"}))
		h := newHandler()
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
		run(t, NewScheduler(r, tables, l.logger()).Run)
		h.next(t, "old")
		set(tables, tablesOf("a", map[string]string{"new": "@every 2s"}))
		first := h.next(t, "new")
		set(tables, tablesOf("a", map[string]string{"new": "@every 1s"}))
		for last := first; ; {
			tick := h.next(t, "new")
			if tick.Sub(last) == time.Second && tick.Unix()%2 == 1 {
				break // the new schedule's own
			}
			last = tick
		}
		for len(h.events) > 0 {
			if e := <-h.events; e.Operation == "old" && tickOf(t, e).After(first.Add(5*time.Second)) {
				t.Errorf("%s was removed by then", e.ID)
			}
		}
	})
}

func TestRunUnreachable(t *testing.T) {
	t.Parallel()
	r, err := ParseRedis("redis://:secret@127.0.0.1:1", "gaff")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		NewScheduler(r, &hooks.Tables{}, new(logs).logger()).Run(t.Context()),
		Serve(t.Context(), r, newHandler(), Options{Tables: &hooks.Tables{}}),
	} {
		if err == nil || !strings.Contains(err.Error(), "Redis at 127.0.0.1:1 does not answer") || strings.Contains(err.Error(), "secret") {
			t.Errorf("got %v", err)
		}
	}
}
