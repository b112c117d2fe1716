package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// collector is a handler that counts what it was given.
type collector struct {
	mu   sync.Mutex
	seen map[string]int
}

func (c *collector) Handle(_ context.Context, e *hooks.Event) hooks.Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]int{}
	}
	c.seen[e.ID]++
	return hooks.GoOn()
}

func (c *collector) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

func consume(t testing.TB, c *Conn, h hooks.Handler, o ConsumeOptions) (stop func() error) {
	return react(t, c, handling(h), o)
}

// react works events off until the test ends.
func react(t testing.TB, c *Conn, r Reactor, o ConsumeOptions) (stop func() error) {
	log := NewLog(c)
	t.Cleanup(log.Close)
	return run(t, func(ctx context.Context) error { return Consume(ctx, c, r, log, o) })
}

func stored(t *testing.T, c *Conn) uint64 {
	t.Helper()
	stream, err := c.js.Stream(t.Context(), c.eventStream())
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestTwoWorkersShareEvents(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	const n = 1000
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
	}
	for i, err := range g.PublishAll(t.Context(), events) {
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
	var a, b collector
	o := ConsumeOptions{Concurrency: 8}
	consume(t, c, &a, o)
	consume(t, connect(t, Config{Prefix: c.config.Prefix}), &b, o)
	await(t, "every event is handled", func() bool { return a.count()+b.count() >= n })
	for i := range n {
		if times := a.seen[fmt.Sprint(i)] + b.seen[fmt.Sprint(i)]; times != 1 {
			t.Errorf("event %d was handled %d times", i, times)
		}
	}
}

func TestConsumeGivesWholeEvent(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	got := make(chan *hooks.Event, 1)
	consume(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		got <- e
		return hooks.GoOn()
	}), ConsumeOptions{})
	want := told("one")
	want.Phase, want.Error = hooks.Failed, []byte(`{"code":"CONFLICT"}`)
	if err := newGate(t, c, tables()).Publish(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	e := <-got
	if e.App != "default" || e.Service != "customer" || e.Operation != "POST" || e.Phase != hooks.Failed || e.Attempt != 1 ||
		e.ID != "one" || string(e.Error) != `{"code":"CONFLICT"}` {
		t.Errorf("%+v", e)
	}
}

// An event is stored once, however often it is published; both phases of a call, and the same id elsewhere, are others.
func TestDuplicatesAreStoredOnce(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	failed, elsewhere := told("one"), told("one")
	failed.Phase, elsewhere.App = hooks.Failed, "other"
	for range 2 {
		for _, e := range []*hooks.Event{told("one"), failed, elsewhere} {
			if err := g.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := stored(t, c); n != 3 {
		t.Errorf("%d events are stored, want 3", n)
	}
}

func TestPublishRefuses(t *testing.T) {
	t.Parallel()
	g := newGate(t, connect(t, Config{}), tables())
	long := told("x")
	long.ID = string(make([]byte, maxEventID+1))
	badName := told("x")
	badName.Service = ">"
	large := told("x")
	large.Message = []byte(`"` + string(make([]byte, maxPayload)) + `"`)
	for code, e := range map[hooks.Code]*hooks.Event{
		hooks.CodeBadRequest: long, hooks.CodeBadName: badName, hooks.CodeTooLarge: large,
	} {
		if bad, ok := errors.AsType[*hooks.Error](g.Publish(t.Context(), e)); !ok || bad.Code != code {
			t.Errorf("%v, want %s", bad, code)
		}
	}
	if bad, ok := errors.AsType[*hooks.Error](g.Publish(t.Context(), call(`{}`))); !ok || bad.Code != hooks.CodeBadRequest {
		t.Errorf("phase before: %v", bad)
	}
}

// What the stream has acknowledged is there after its server has been down, and what is published while it is away
// arrives when it is back.
func TestEventsSurviveServerRestart(t *testing.T) {
	t.Parallel()
	s, restart := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	g := newGate(t, c, tables())
	if err := g.Publish(t.Context(), told("before")); err != nil {
		t.Fatal(err)
	}
	var seen collector
	consume(t, c, &seen, ConsumeOptions{})
	await(t, "the first event", func() bool { return seen.count() == 1 })
	s.Shutdown()
	published := make(chan error, 1)
	go func() { published <- g.Publish(t.Context(), told("while away")) }()
	restart()
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	await(t, "the second event, on the consumer that was there before", func() bool { return seen.count() == 2 })
}

// A handler that takes longer than the acknowledgement may keeps its event.
func TestLongHandlerKeepsItsEvent(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var runs atomic.Int64
	done := make(chan struct{})
	slow := hooks.HandlerFunc(func(ctx context.Context, _ *hooks.Event) hooks.Verdict {
		runs.Add(1)
		pause(ctx, 1500*time.Millisecond)
		close(done)
		return hooks.GoOn()
	})
	o := ConsumeOptions{AckWait: 600 * time.Millisecond}
	consume(t, c, slow, o)
	if err := newGate(t, c, tables()).Publish(t.Context(), told("one")); err != nil {
		t.Fatal(err)
	}
	<-done
	if runs.Load() != 1 {
		t.Errorf("%d runs", runs.Load())
	}
}

// What a worker that stops cannot end goes to another.
func TestStoppedWorkerGivesEventBack(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	began := make(chan struct{}, 1)
	stop := consume(t, c, hooks.HandlerFunc(func(ctx context.Context, _ *hooks.Event) hooks.Verdict {
		began <- struct{}{}
		<-ctx.Done()
		return hooks.GoOn()
	}), ConsumeOptions{StopWithin: 50 * time.Millisecond})
	if err := newGate(t, c, tables()).Publish(t.Context(), told("one")); err != nil {
		t.Fatal(err)
	}
	<-began
	if err := stop(); err != nil {
		t.Error(err)
	}
	var seen collector
	consume(t, c, &seen, ConsumeOptions{})
	await(t, "the event is given to another worker", func() bool { return seen.count() == 1 })
}

// An event that there is no room for waits; one that cannot be read is given up.
func TestOverloadedEventWaits(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	if _, err := c.js.Publish(t.Context(), c.config.Prefix+".event.default.0.customer.POST.during", nil); err != nil {
		t.Fatal(err)
	}
	if err := newGate(t, c, tables()).Publish(t.Context(), told("one")); err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int64
	consume(t, c, hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
		if calls.Add(1) == 1 {
			return hooks.Stop(hooks.Errorf(hooks.CodeOverloaded, "full"))
		}
		return hooks.GoOn()
	}), ConsumeOptions{})
	await(t, "the second call", func() bool { return calls.Load() == 2 })
	await(t, "nothing is left to acknowledge", func() bool { return settled(t, c, c.eventStream(), "-workers") })
}

// settled reports whether all that a stream's consumer has got is acknowledged.
func settled(t testing.TB, c *Conn, stream, consumer string) bool {
	t.Helper()
	got, err := c.js.Consumer(t.Context(), stream, c.config.Prefix+consumer)
	if err != nil {
		t.Fatal(err)
	}
	info := got.CachedInfo()
	return info.NumAckPending == 0 && info.NumPending == 0
}
