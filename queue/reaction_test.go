package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// funcs are the hooks of a reactor.
type funcs = map[string]func(context.Context, *hooks.Event) *hooks.Error

func publish(t testing.TB, c *Conn, events ...*hooks.Event) {
	t.Helper()
	for i, err := range newGate(t, c, tables()).PublishAll(t.Context(), events) {
		if err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
	}
}

// history is the records of the log that are final, by event and hook, and the others.
func history(t testing.TB, c *Conn) (final map[string][]hooks.Status, others int) {
	t.Helper()
	final = map[string][]hooks.Status{}
	for _, r := range allRecords(t, c) {
		switch {
		case r.Kind != hooks.KindHook:
		case r.Status == hooks.StatusOK || r.Status == hooks.StatusDead:
			final[r.Event+" "+r.Name] = append(final[r.Event+" "+r.Name], r.Status)
		default:
			others++
		}
	}
	return final, others
}

func allRecords(t testing.TB, c *Conn) (all []hooks.Record) {
	t.Helper()
	for _, data := range payloads(t, c, c.logStream()) {
		var r hooks.Record
		if err := json.Unmarshal(data, &r); err != nil {
			t.Error(err)
		}
		all = append(all, r)
	}
	return all
}

// payloads is what the messages of a stream carry, in their order.
func payloads(t testing.TB, c *Conn, name string) (all [][]byte) {
	t.Helper()
	stream, err := c.js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	last := stream.CachedInfo().State.LastSeq
	err = c.scan(t.Context(), name, jetstream.OrderedConsumerConfig{}, last, func(m jetstream.Msg, _ *jetstream.MsgMetadata) bool {
		all = append(all, m.Data())
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func letters(t testing.TB, c *Conn) (all []hooks.DeadLetter) {
	t.Helper()
	all, err := c.Dead(t.Context(), hooks.DeadFilter{App: "default", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A hook that fails is tried again by itself, its neighbours run once, and each has one final record.
func TestFailingHookIsTriedAgainByItself(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var first, second atomic.Int64
	react(t, c, newReactor(funcs{
		"flaky": func(_ context.Context, e *hooks.Event) *hooks.Error {
			first.Add(1)
			if e.Attempt < 3 {
				return hooks.Errorf(hooks.CodeHookError, "attempt %d", e.Attempt)
			}
			return nil
		},
		"neighbour": func(context.Context, *hooks.Event) *hooks.Error {
			second.Add(1)
			return nil
		},
	}), ConsumeOptions{})
	const n = 50
	for i := range n {
		publish(t, c, told(fmt.Sprint(i)))
	}
	await(t, "every hook has its final record", func() bool {
		final, _ := history(t, c)
		return len(final) == 2*n
	})
	final, others := history(t, c)
	for key, statuses := range final {
		if len(statuses) != 1 || statuses[0] != hooks.StatusOK {
			t.Errorf("%s: %v", key, statuses)
		}
	}
	if first.Load() != 3*n || second.Load() != n || others != 2*n {
		t.Errorf("%d runs of the failing hook, %d of its neighbour, %d records of attempts", first.Load(), second.Load(), others)
	}
	await(t, "nothing is left", func() bool {
		return settled(t, c, c.eventStream(), "-workers") && settled(t, c, c.workStream(), "-work")
	})
	if dead := letters(t, c); len(dead) != 0 {
		t.Errorf("%d dead letters", len(dead))
	}
}

// A hook that never succeeds ends as a dead letter with all its attempts; one that says that trying is no use, at once.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var fixed atomic.Bool
	var runs atomic.Int64
	react(t, c, newReactor(funcs{
		"never": func(_ context.Context, e *hooks.Event) *hooks.Error {
			if fixed.Load() {
				return nil
			}
			return hooks.Errorf(hooks.CodeHookError, "attempt %d", e.Attempt)
		},
		"gone": func(context.Context, *hooks.Event) *hooks.Error {
			runs.Add(1)
			err := hooks.Errorf(hooks.CodeRejected, "no such customer")
			err.Permanent = true
			return err
		},
		"fine": func(context.Context, *hooks.Event) *hooks.Error { return nil },
	}), ConsumeOptions{})
	publish(t, c, told("one"))
	await(t, "both are given up", func() bool { return len(letters(t, c)) == 2 })
	byHook := map[string]hooks.DeadLetter{}
	for _, l := range letters(t, c) {
		byHook[l.Hook] = l
	}
	never, gone := byHook["never"], byHook["gone"]
	if len(never.Attempts) != 3 || never.Error.Message != "attempt 3" || never.Attempts[0].Error.Message != "attempt 1" || never.Attempts[2].Attempt != 3 {
		t.Errorf("%+v", never)
	}
	if e, err := never.ParseEvent(); err != nil || e.ID != "one" || e.Service != "customer" || string(e.Message) != `{"n":1}` || never.Sequence == 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if len(gone.Attempts) != 1 || runs.Load() != 1 {
		t.Errorf("%d runs, %+v", runs.Load(), gone)
	}
	await(t, "the final records", func() bool { final, _ := history(t, c); return len(final) == 3 })
	final, others := history(t, c)
	if others != 4 || final["one never"][0] != hooks.StatusDead || final["one fine"][0] != hooks.StatusOK {
		t.Errorf("%v, %d others", final, others)
	}
	alerts := 0
	for _, r := range allRecords(t, c) {
		if r.Kind == hooks.KindAlert {
			alerts++
		}
	}
	if alerts != 2 {
		t.Errorf("%d alerts", alerts)
	}

	fixed.Store(true)
	done, err := c.ReplayDead(t.Context(), hooks.DeadFilter{App: "default", Hook: "never"}, 0)
	if err != nil || done.Replayed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	await(t, "the replayed one succeeds", func() bool { final, _ := history(t, c); return len(final["one never"]) == 2 })
	if left := letters(t, c); len(left) != 1 || left[0].Hook != "gone" {
		t.Errorf("left: %+v", left)
	}
	if n, err := c.DropDead(t.Context(), hooks.DeadFilter{App: "default", ID: gone.FinalID()}); err != nil || n != 1 || len(letters(t, c)) != 0 {
		t.Errorf("dropped %d, %v", n, err)
	}
}

// What has its record does not run again when the event is delivered again; what has not, does.
func TestDeliveredAgainRunsWhatIsLeft(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var first, second atomic.Int64
	hang := make(chan struct{})
	stop := react(t, c, newReactor(funcs{
		"a-done": func(context.Context, *hooks.Event) *hooks.Error { first.Add(1); return nil },
		"b-failed": func(context.Context, *hooks.Event) *hooks.Error {
			second.Add(1)
			return hooks.Errorf(hooks.CodeHookError, "no")
		},
		"c-hangs": func(ctx context.Context, _ *hooks.Event) *hooks.Error {
			close(hang)
			<-ctx.Done()
			return nil
		},
	}, func(h *hooks.Hook) { h.Retry = hooks.Retry{Attempts: 2, Min: time.Hour, Max: time.Hour} }), ConsumeOptions{StopWithin: 20 * time.Millisecond})
	publish(t, c, told("one"))
	<-hang
	await(t, "the records of the others", func() bool { return len(allRecords(t, c)) == 2 })
	if err := stop(); err != nil {
		t.Error(err)
	}
	var third atomic.Int64
	react(t, c, newReactor(funcs{
		"a-done":   func(context.Context, *hooks.Event) *hooks.Error { first.Add(1); return nil },
		"b-failed": func(context.Context, *hooks.Event) *hooks.Error { second.Add(1); return nil },
		"c-hangs":  func(context.Context, *hooks.Event) *hooks.Error { third.Add(1); return nil },
	}), ConsumeOptions{})
	await(t, "the event is worked off", func() bool { return settled(t, c, c.eventStream(), "-workers") })
	if first.Load() != 1 || second.Load() != 1 || third.Load() != 1 {
		t.Errorf("runs: %d, %d, %d", first.Load(), second.Load(), third.Load())
	}
}

// A hook with which workers die is given up like one that fails.
func TestHookThatKillsWorkers(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	for range maxStarts + 1 {
		hang := make(chan struct{}, 1)
		stop := react(t, c, newReactor(funcs{
			"killer": func(ctx context.Context, _ *hooks.Event) *hooks.Error { hang <- struct{}{}; <-ctx.Done(); return nil },
		}, func(h *hooks.Hook) { h.Retry = hooks.Retry{Attempts: 1} }), ConsumeOptions{StopWithin: 10 * time.Millisecond})
		publish(t, c, told("one"))
		<-hang
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	react(t, c, newReactor(funcs{
		"killer": func(context.Context, *hooks.Event) *hooks.Error { t.Error("it runs once more"); return nil },
	}, func(h *hooks.Hook) { h.Retry = hooks.Retry{Attempts: 1} }), ConsumeOptions{})
	await(t, "a dead letter", func() bool { return len(letters(t, c)) == 1 })
	if l := letters(t, c)[0]; l.Error.Code != hooks.CodeHookCrashed {
		t.Errorf("%+v", l.Error)
	}
}

// Events of an app that is paused wait, and go on afterwards, each once.
func TestPausedAppKeepsItsEvents(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var seen collector
	r := handling(&seen)
	r.set(hooks.State{Paused: true, Held: true})
	react(t, c, r, ConsumeOptions{})
	const n = 300
	events := make([]*hooks.Event, n)
	for i := range events {
		events[i] = told(fmt.Sprint(i))
	}
	publish(t, c, events...)
	await(t, "all are held", func() bool { return settled(t, c, c.eventStream(), "-workers") })
	if seen.count() != 0 {
		t.Errorf("%d were worked off", seen.count())
	}
	r.set(hooks.State{Held: true})
	await(t, "all are worked off", func() bool { return seen.count() == n && settled(t, c, c.eventStream(), "-workers") })
	for id, times := range seen.seen {
		if times != 1 {
			t.Errorf("event %s: %d times", id, times)
		}
	}
}

// sequences notes in which order events of each key were seen.
type sequences struct {
	mu      sync.Mutex
	byKey   map[string][]int
	running map[string]bool
	overlap bool
}

func (s *sequences) begin(key string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey, s.running = map[string][]int{}, map[string]bool{}
	}
	s.overlap = s.overlap || s.running[key]
	s.running[key] = true
	s.byKey[key] = append(s.byKey[key], n)
}

func (s *sequences) end(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running[key] = false
}

func (s *sequences) total() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.byKey {
		n += len(list)
	}
	return n
}

// Events of one key are worked off one at a time and in order, also while hooks fail; other keys do not wait for them.
func TestOrderedHook(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var s sequences
	var failed sync.Map
	work := func(_ context.Context, e *hooks.Event) *hooks.Error {
		var n int
		fmt.Sscan(e.ID[strings.Index(e.ID, "-")+1:], &n)
		s.begin(e.Key, n)
		defer s.end(e.Key)
		if _, again := failed.LoadOrStore(e.ID, true); !again && n%7 == 3 {
			return hooks.Errorf(hooks.CodeHookError, "at first")
		}
		return nil
	}
	ordered := func(h *hooks.Hook) { h.Ordered = true }
	react(t, c, newReactor(funcs{"inline": work}, ordered), ConsumeOptions{})
	react(t, connect(t, Config{Prefix: c.config.Prefix}), newReactor(funcs{"inline": work}, ordered), ConsumeOptions{})
	const keys, each = 20, 15
	var events []*hooks.Event
	for i := range each {
		for k := range keys {
			e := told(fmt.Sprintf("k%d-%d", k, i))
			e.Key = fmt.Sprintf("k%d", k)
			events = append(events, e)
		}
	}
	publish(t, c, events...)
	await(t, "all have their final record", func() bool { final, _ := history(t, c); return len(final) == keys*each })
	if s.overlap {
		t.Error("two events of one key at the same time")
	}
	for _, key := range slices.Sorted(maps.Keys(s.byKey)) {
		if !slices.IsSorted(s.byKey[key]) {
			t.Errorf("%s: %v", key, s.byKey[key])
		}
	}
	final, others := history(t, c)
	for key, statuses := range final {
		if len(statuses) != 1 {
			t.Errorf("%s: %v", key, statuses)
		}
	}
	if others != keys*2 || s.total() != keys*(each+2) {
		t.Errorf("%d attempts that failed, %d runs", others, s.total())
	}
	await(t, "the events are acknowledged", func() bool { return settled(t, c, c.eventStream(), "-workers") })
}
