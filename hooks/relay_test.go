package hooks_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
)

// stream is a publisher that fails for the events whose ids it is told, once each. It takes events together a number of
// times.
type stream struct {
	mu       sync.Mutex
	fails    map[string]error
	together int
	stored   []string
}

func (s *stream) PublishAll(_ context.Context, events []*hooks.Event) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	errs := make([]error, len(events))
	for i, e := range events {
		if errs[i] = s.fails[e.ID]; errs[i] == nil {
			s.stored = append(s.stored, e.ID)
		}
		delete(s.fails, e.ID)
	}
	return errs
}

func (s *stream) PublishTogether(ctx context.Context, events []*hooks.Event) ([]error, bool) {
	if s.together == 0 {
		return nil, false
	}
	s.together--
	return s.PublishAll(ctx, events), true
}

func (s *stream) Publish(ctx context.Context, e *hooks.Event) error {
	return s.PublishAll(ctx, []*hooks.Event{e})[0]
}

func (s *stream) Ask(context.Context, *hooks.Event) (hooks.Verdict, error) { return hooks.GoOn(), nil }

// outbox is one in memory. It is empty when done is closed.
type outbox struct {
	mu     sync.Mutex
	events []*hooks.Event
	done   chan struct{}
}

func (o *outbox) Committed() <-chan struct{} { return nil }

func (o *outbox) Remember(_ context.Context, e *hooks.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
	return nil
}

func (o *outbox) Take(ctx context.Context, n int, publish func(context.Context, []*hooks.Event) []error) (int, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.events[:min(n, len(o.events))]
	var left []*hooks.Event
	for i, err := range publish(ctx, taken) {
		if err != nil {
			left = append(left, taken[i])
		}
	}
	o.events = append(left, o.events[len(taken):]...)
	if len(o.events) == 0 && o.done != nil {
		close(o.done)
		o.done = nil
	}
	return len(taken), len(taken) == n, nil
}

func keyed(id, key string) *hooks.Event {
	return &hooks.Event{App: "a", Service: "s", Operation: "POST", Phase: hooks.After, Payload: hooks.Payload{ID: id, Key: key}}
}

// relayAll relays until the outbox is empty.
func relayAll(t *testing.T, o *outbox, s *stream) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	done := o.done
	go func() { ended <- (&hooks.Relay{Outbox: o, Publisher: s, Log: slog.New(slog.DiscardHandler)}).Run(ctx) }()
	<-done
	cancel()
	<-ended
}

// An event that is not published for the moment is not overtaken by one of its key; others, and those behind one that no
// stream would take, go on.
func TestRelayKeepsOrder(t *testing.T) {
	t.Parallel()
	s := &stream{fails: map[string]error{
		"x1": errors.New("connection lost"), "y1": hooks.Errorf(hooks.CodeTooLarge, "too large"), "n1": errors.New("connection lost"),
	}}
	o := &outbox{done: make(chan struct{}), events: []*hooks.Event{
		keyed("x1", "x"), keyed("x2", "x"), keyed("y1", "y"), keyed("y2", "y"), keyed("x3", "x"), keyed("n1", ""), keyed("n2", ""),
	}}
	relayAll(t, o, s)
	if want := []string{"n2", "y2", "x1", "y1", "n1", "x2", "x3"}; !slices.Equal(s.stored, want) {
		t.Errorf("published %v, want %v", s.stored, want)
	}
}

// Many events are published together if the stream takes them so, else apart, and in their order either way.
func TestRelayPublishesTogether(t *testing.T) {
	t.Parallel()
	s := &stream{together: 2}
	o := &outbox{done: make(chan struct{})}
	var want []string
	for i := range 1000 {
		id := strconv.Itoa(i)
		o.events, want = append(o.events, keyed(id, "x")), append(want, id)
	}
	relayAll(t, o, s)
	if s.together != 0 || !slices.Equal(s.stored, want) {
		t.Errorf("published %v; %d more could have been published together", s.stored, s.together)
	}
}

// What the stream does not take for the moment is remembered with an id, and what comes next does not wait for it.
func TestPatientGate(t *testing.T) {
	t.Parallel()
	unavailable := hooks.Errorf(hooks.CodeUnavailable, "no stream")
	s := &stream{fails: map[string]error{"1": unavailable, "large": hooks.Errorf(hooks.CodeTooLarge, "too large")}}
	o := &outbox{}
	g := &hooks.PatientGate{Gate: s, Memory: o}
	if err := g.Publish(t.Context(), keyed("large", "")); err == nil {
		t.Error("an event that is too large is to be remembered for ever")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.Publish(ended, keyed("1", "")); err != nil {
		t.Error(err)
	}
	if err := g.Publish(t.Context(), keyed("", "")); err != nil {
		t.Error(err)
	}
	if len(o.events) == 0 || o.events[0].ID != "1" {
		t.Fatalf("remembered %v", o.events)
	}
	for _, e := range o.events {
		if e.ID == "" {
			t.Error("an event without an id is remembered: published twice it would be two")
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); len(s.stored) == 0; <-tick.C {
		if err := g.Publish(t.Context(), keyed("again", "")); err != nil || time.Now().After(deadline) {
			t.Fatal("the stream is not tried again", err)
		}
	}
}
