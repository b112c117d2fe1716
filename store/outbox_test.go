package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
)

// published is a publisher that accepts everything and remembers it.
type published struct {
	mu     sync.Mutex
	events []*hooks.Event
}

func (p *published) publish(_ context.Context, events []*hooks.Event) []error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, events...)
	return make([]error, len(events))
}

func takeAll(t testing.TB, s database) []*hooks.Event {
	t.Helper()
	var p published
	for {
		n, _, err := s.Take(t.Context(), 7, p.publish)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return p.events
		}
	}
}

func tell(t testing.TB, s database, ids ...string) {
	t.Helper()
	for _, id := range ids {
		c := document(id, "")
		c.Event = event(id)
		write(t, s, c)
	}
}

func ids(events []*hooks.Event) string {
	var list []string
	for _, e := range events {
		list = append(list, e.ID)
	}
	return strings.Join(list, " ")
}

func TestOutboxKeepsEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		e := &hooks.Event{App: "other", Service: "s-1", Operation: "DELETE", Phase: hooks.Failed, Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Payload: hooks.Payload{
			ID: "i", Key: "k\u00e5", Message: json.RawMessage(`{"z":1.0,"a":"\u0000"}`), Original: json.RawMessage(`[1]`),
			Result: json.RawMessage(`null`), Headers: json.RawMessage("{\"x\":\"\u00ff\"}"), Origin: hooks.S2S, Depth: 3,
			Context: json.RawMessage(`{}`),
		}}
		c := document("a", "")
		c.Event = e
		write(t, s, c)
		events := takeAll(t, s)
		if len(events) != 1 || !reflect.DeepEqual(events[0], e) {
			t.Errorf("got %+v, want %+v", events, e)
		}
	})
}

// An event without a change is kept among the others; one that cannot be kept is refused.
func TestRemember(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		tell(t, s, "1")
		if err := s.Remember(t.Context(), event("2")); err != nil {
			t.Fatal(err)
		}
		tell(t, s, "3")
		<-s.Committed()
		broken := event("4")
		broken.Message = json.RawMessage(`{"a":`)
		if err := s.Remember(t.Context(), broken); err == nil {
			t.Error("an event that is not JSON is kept")
		}
		events := takeAll(t, s)
		if got := ids(events); got != "1 2 3" || !reflect.DeepEqual(events[1], event("2")) {
			t.Errorf("kept: %s", got)
		}
	})
}

// Relays take turns: what one has in hand, no other publishes, nor what came after it.
func TestRelaysTakeTurns(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		tell(t, s, "1", "2", "3")
		begun, others := make(chan struct{}), make(chan struct{})
		var first sync.WaitGroup
		first.Go(func() {
			_, _, err := s.Take(t.Context(), 2, func(_ context.Context, events []*hooks.Event) []error {
				close(begun)
				<-others
				return []error{errors.New("not now"), errors.New("not now")}
			})
			if err != nil {
				t.Error(err)
			}
		})
		<-begun
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, _, err := s.Take(ctx, 2, func(_ context.Context, events []*hooks.Event) []error {
			t.Errorf("another publishes %s meanwhile", ids(events))
			return make([]error, len(events))
		}); err == nil {
			t.Error("another has had its turn")
		}
		close(others)
		first.Wait()
		if got := ids(takeAll(t, s)); got != "1 2 3" {
			t.Errorf("then published: %s", got)
		}
	})
}

func TestCommitted(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("quiet", ""))
		select {
		case <-s.Committed():
			t.Error("told of a write without an event")
		default:
		}
		tell(t, s, "1", "2", "3")
		<-s.Committed()
		select {
		case <-s.Committed():
			t.Error("told twice")
		default:
		}
	})
}

func TestOutboxOrderAndRetry(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		tell(t, s, "1", "2", "3", "4", "5")
		var p published
		n, _, err := s.Take(t.Context(), 4, func(ctx context.Context, events []*hooks.Event) []error {
			errs := p.publish(ctx, events)
			errs[1], errs[3] = errors.New("not now"), errors.New("not now")
			return errs
		})
		if err != nil || n != 4 || ids(p.events) != "1 2 3 4" {
			t.Errorf("took %d %s, %v", n, ids(p.events), err)
		}
		if got := ids(takeAll(t, s)); got != "2 4 5" {
			t.Errorf("left: %s", got)
		}
		if n, _, err := s.Take(t.Context(), 4, nil); n != 0 || err != nil {
			t.Errorf("an empty outbox gave %d, %v", n, err)
		}
	})
}

// What is held in memory at once is bounded, however large the events are.
func TestOutboxTakesSoManyBytes(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		for i := range 5 {
			c := document(strconv.Itoa(i), "")
			c.Event = event(strconv.Itoa(i))
			c.Event.Result = []byte(`"` + strings.Repeat("x", 7<<20) + `"`)
			write(t, s, c)
		}
		var p published
		for _, want := range []struct {
			n    int
			more bool
		}{{3, true}, {2, false}, {0, false}} {
			n, more, err := s.Take(t.Context(), 10, p.publish)
			if n != want.n || more != want.more || err != nil {
				t.Errorf("took %d, more %v, %v; want %+v", n, more, err, want)
			}
		}
		if got := ids(p.events); got != "0 1 2 3 4" {
			t.Errorf("took %s", got)
		}
	})
}

// What has been published is forgotten even if the relay is told to stop meanwhile.
func TestOutboxForgetsWhenStopped(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		tell(t, s, "1", "2")
		ctx, cancel := context.WithCancel(t.Context())
		n, _, err := s.Take(ctx, 1, func(_ context.Context, events []*hooks.Event) []error {
			cancel()
			return make([]error, len(events))
		})
		if n != 1 || err != nil {
			t.Errorf("took %d, %v", n, err)
		}
		if got := ids(takeAll(t, s)); got != "2" {
			t.Errorf("left: %s", got)
		}
	})
}

// Several relays publish each event once between them, while others write.
func TestSeveralRelays(t *testing.T) {
	const events = 200
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		var p published
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var relays, writers sync.WaitGroup
		for range 3 {
			relays.Go(func() {
				for {
					n, _, err := s.Take(ctx, 16, p.publish)
					if ctx.Err() != nil {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					if n == 0 {
						select {
						case <-ctx.Done():
							return
						case <-s.Committed():
						}
					}
				}
			})
		}
		for w := range 4 {
			writers.Go(func() {
				for i := range events / 4 {
					tell(t, s, fmt.Sprintf("%d.%d", w, i))
				}
			})
		}
		writers.Wait()
		cancel()
		relays.Wait()
		seen := strings.Fields(ids(p.events))
		// PostgreSQL frees the events of a cancelled relay a moment after its connection has gone.
		for deadline := time.Now().Add(10 * time.Second); len(seen) < events && time.Now().Before(deadline); {
			seen = append(seen, strings.Fields(ids(takeAll(t, s)))...)
		}
		slices.Sort(seen)
		if unique := slices.Compact(slices.Clone(seen)); len(seen) != events || len(unique) != events {
			t.Errorf("%d events published, %d different, want %d", len(seen), len(unique), events)
		}
	})
}
