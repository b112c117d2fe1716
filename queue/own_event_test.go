package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// ownWorkers starts a process for the default app and one for all others, which must run nothing of it.
func ownWorkers(t *testing.T, prefix string, fs funcs, change ...func(*hooks.Hook)) (stop func() error) {
	t.Helper()
	none := funcs{}
	for name := range fs {
		none[name] = func(context.Context, *hooks.Event) *hooks.Error { t.Error("it runs in the wrong process"); return nil }
	}
	stop = react(t, connect(t, Config{Prefix: prefix}), newReactor(fs, change...), ConsumeOptions{Concurrency: 2, Apps: hooks.Apps{Only: hooks.DefaultApp}})
	react(t, connect(t, Config{Prefix: prefix}), newReactor(none, change...), ConsumeOptions{Concurrency: 8, Apps: hooks.Apps{Except: []string{hooks.DefaultApp}}})
	awaitConsumer(t, connect(t, Config{Prefix: prefix}))
	return stop
}

// awaitConsumer waits until a process works events and attempts off.
func awaitConsumer(t *testing.T, c *Conn) {
	t.Helper()
	await(t, "consumers", func() bool {
		_, err := c.js.Consumer(t.Context(), c.workStream(), c.config.Prefix+"-work")
		return err == nil
	})
}

// TestOwnEvents: whoever fetches events, they and their attempts are worked off by a process that serves their app, once, also
// if it has little room, and if they are as large as the server takes.
func TestOwnEvents(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var mu sync.Mutex
	runs := map[string]int{}
	ownWorkers(t, c.config.Prefix, funcs{
		"fine": func(_ context.Context, e *hooks.Event) *hooks.Error {
			mu.Lock()
			defer mu.Unlock()
			runs["fine "+e.ID]++
			return nil
		},
		"second": func(_ context.Context, e *hooks.Event) *hooks.Error {
			mu.Lock()
			defer mu.Unlock()
			if runs["second "+e.ID]++; e.Attempt == 1 {
				return hooks.Errorf(hooks.CodeHookError, "not yet")
			}
			return nil
		},
	})
	const n = 200
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
	}
	events[n-1].Message = []byte(`"` + strings.Repeat("x", int(c.nc.MaxPayload())-200) + `"`)
	publish(t, c, events...)
	await(t, "all are worked off", func() bool {
		return settled(t, c, c.eventStream(), "-workers") && settled(t, c, c.workStream(), "-work")
	})
	mu.Lock()
	defer mu.Unlock()
	for i := range n {
		if fine, second := runs[fmt.Sprint("fine ", i)], runs[fmt.Sprint("second ", i)]; fine != 1 || second != 2 {
			t.Errorf("event %d: %d and %d runs, want 1 and 2", i, fine, second)
		}
	}
}

// TestOwnEventsInOrder: ordered hooks run in processes that serve their app only, in order.
func TestOwnEventsInOrder(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var s sequences
	ownWorkers(t, c.config.Prefix, funcs{"line": func(_ context.Context, e *hooks.Event) *hooks.Error {
		var n int
		fmt.Sscan(e.ID, &n)
		s.begin(e.Key, n)
		s.end(e.Key)
		return nil
	}}, func(h *hooks.Hook) { h.Ordered = true })
	const n = 100
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
		events[i].Key = fmt.Sprint(i % 3)
	}
	publish(t, c, events...)
	await(t, "all have run", func() bool { return s.total() >= n })
	for key, seen := range s.byKey {
		for i := 1; i < len(seen); i++ {
			if seen[i] != seen[i-1]+3 {
				t.Errorf("key %s: %v", key, seen)
			}
		}
	}
}

// TestUnservedEvents: events whose app nobody serves hold up no others, and are worked off once it is served.
func TestUnservedEvents(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	r := newReactor(funcs{"react": func(context.Context, *hooks.Event) *hooks.Error { t.Error("it runs in the wrong process"); return nil }})
	react(t, connect(t, Config{Prefix: c.config.Prefix}), r, ConsumeOptions{Apps: hooks.Apps{Except: []string{hooks.DefaultApp}}})
	awaitConsumer(t, c)
	const n = 50
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
	}
	publish(t, c, events...)
	await(t, "none holds others up", func() bool { return settled(t, c, c.eventStream(), "-workers") })
	state, _, err := NewReleases(c).State(t.Context(), hooks.DefaultApp)
	if err != nil || !state.Held {
		t.Errorf("%+v, %v", state, err)
	}
	var ran atomic.Int64
	served := newReactor(funcs{"react": func(context.Context, *hooks.Event) *hooks.Error { ran.Add(1); return nil }})
	served.set(state)
	react(t, connect(t, Config{Prefix: c.config.Prefix}), served, ConsumeOptions{Apps: hooks.Apps{Only: hooks.DefaultApp}})
	await(t, "all run", func() bool { return ran.Load() >= n && settled(t, c, c.eventStream(), "-workers") })
	if ran.Load() != n {
		t.Errorf("%d runs", ran.Load())
	}
}

// TestPausedAppKeepsOrder: an ordered hook finds the events of an app that was paused where they are, in order, and does not
// run for them again when they come back for others.
func TestPausedAppKeepsOrder(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var line, other atomic.Int64
	r := newReactor(funcs{
		"line": func(_ context.Context, e *hooks.Event) *hooks.Error {
			if want := fmt.Sprint(line.Add(1) - 1); e.ID != want {
				t.Errorf("%s runs, want %s", e.ID, want)
			}
			return nil
		},
		"other": func(context.Context, *hooks.Event) *hooks.Error { other.Add(1); return nil },
	})
	ordered := func(h *hooks.Hook) { h.Ordered = h.Name == "line" }
	r.set(hooks.State{Paused: true, Held: true}, ordered)
	react(t, c, r, ConsumeOptions{})
	awaitConsumer(t, c)
	const n = 20
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
		events[i].Key = "k"
	}
	publish(t, c, events...)
	await(t, "all are held", func() bool { return settled(t, c, c.eventStream(), "-workers") })
	r.set(hooks.State{Held: true}, ordered)
	await(t, "all are worked off", func() bool {
		return line.Load() >= n && other.Load() >= n && settled(t, c, c.eventStream(), "-workers")
	})
	if line.Load() != n || other.Load() != n {
		t.Errorf("%d in order and %d others, want %d of each", line.Load(), other.Load(), n)
	}
}

// TestGuestWithoutRoom: what finds no room is given back, and what has no acknowledgement is no message.
func TestGuestWithoutRoom(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	release := make(chan struct{})
	var ran atomic.Int64
	stop := ownWorkers(t, c.config.Prefix, funcs{"slow": func(context.Context, *hooks.Event) *hooks.Error {
		<-release
		ran.Add(1)
		return nil
	}})
	const n = 4 * roomPerRun * 2 // more than both kinds of room of the one
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
	}
	publish(t, c, events...)
	if err := c.nc.Publish(c.subjects.own(hooks.DefaultApp)+".event.default.0.customer.POST.after", nil); err != nil {
		t.Fatal(err)
	}
	await(t, "a second delivery", func() bool {
		got, err := c.js.Consumer(t.Context(), c.eventStream(), c.config.Prefix+"-workers")
		return err == nil && got.CachedInfo().NumRedelivered > 0
	})
	close(release)
	await(t, "all run", func() bool { return ran.Load() >= n && settled(t, c, c.eventStream(), "-workers") })
	if ran.Load() != n {
		t.Errorf("%d runs", ran.Load())
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
