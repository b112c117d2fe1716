package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// laneRoom is how many events of a lane are in hand at most.
const laneRoom = 512

// lane is one that this worker works off: it reads the events in the order of the stream, and works those of each key off
// one after the other.
type lane struct {
	of    *lanes
	id    laneID
	until atomic.Int64 // when it is another's unless it is renewed, in Unix nanoseconds
	gone  atomic.Bool  // it is on its way to another worker

	ctx    context.Context // ends when no further hook may begin
	cancel context.CancelFunc
	ended  chan struct{}
	room   chan struct{}
	since  time.Time // of its claim
	doubt  uint64    // sequence number up to which another worker may have worked it off

	writing  sync.Mutex
	revision uint64 // of the lease

	mu      sync.Mutex
	read    uint64 // sequence number of the last event that was read
	pending map[uint64]struct{}
	lines   map[string]*line
	retries map[string]hooks.Work // of before, by id
	working sync.WaitGroup
}

// line is the events of one key.
type line struct{ waiting []*laneEvent }

// laneEvent is one event of a lane.
type laneEvent struct {
	meta  *jetstream.MsgMetadata
	event *hooks.Event
}

func newLane(l *lanes, id laneID, floor, revision uint64, began time.Time) *lane {
	n := &lane{
		of: l, id: id, ended: make(chan struct{}), room: make(chan struct{}, laneRoom), since: time.Now(), revision: revision,
		read: floor, pending: map[uint64]struct{}{}, lines: map[string]*line{}, retries: map[string]hooks.Work{},
	}
	n.until.Store(began.Add(laneLease - laneMargin).UnixNano())
	n.ctx, n.cancel = context.WithCancel(l.runs)
	return n
}

func (n *lane) leaving() bool { return n.gone.Load() }

// run works the lane off until its context ends.
func (n *lane) run() {
	defer close(n.ended)
	conn := n.of.c.conn
	for n.ctx.Err() == nil {
		err := n.recall()
		if err == nil {
			err = n.readOn()
		}
		if err != nil && n.ctx.Err() == nil {
			conn.log.Warn("events in order cannot be read; trying again", "app", n.id.app, "part", n.id.part, "error", err)
			pause(n.ctx, fetchAgain)
		}
	}
	n.working.Wait()
}

// recall reads what was kept of the lane's hooks that are to be tried again, once.
func (n *lane) recall() error {
	if n.doubt > 0 {
		return nil
	}
	conn := n.of.c.conn
	stream, err := conn.js.Stream(n.ctx, conn.eventStream())
	if err != nil {
		return err
	}
	err = each(n.ctx, conn.order, n.id.retries()+"*", func(kept jetstream.KeyValueEntry) error {
		var w hooks.Work
		if err := json.Unmarshal(kept.Value(), &w); err != nil {
			return fmt.Errorf("%s: %w", kept.Key(), err)
		}
		n.retries[strings.TrimPrefix(kept.Key(), n.id.retries())] = w
		return nil
	})
	if err != nil {
		return err
	}
	n.doubt = stream.CachedInfo().State.LastSeq + 1
	return nil
}

// readOn reads events from where the lane is.
func (n *lane) readOn() error {
	conn := n.of.c.conn
	n.mu.Lock()
	next := n.read + 1
	n.mu.Unlock()
	messages, err := conn.read(n.ctx, conn.eventStream(), jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{fmt.Sprintf("%s.event.%s.%d.>", conn.config.Prefix, n.id.app, n.id.part)},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy, OptStartSeq: next,
	}, laneRoom)
	if err != nil {
		return err
	}
	defer messages.close()
	for {
		select {
		case n.room <- struct{}{}:
		case <-n.ctx.Done():
			return nil
		}
		m, err := messages.Next(jetstream.NextContext(n.ctx))
		if err != nil {
			<-n.room
			return err
		}
		if err := n.accept(m); err != nil {
			return err
		}
	}
}

// accept puts an event behind those of its key.
func (n *lane) accept(m jetstream.Msg) error {
	d := &delivery{message: m}
	var err error
	if d.meta, err = m.Metadata(); err != nil {
		<-n.room
		return err
	}
	unreadable := d.parseEvent(n.of.c.conn.subjects) // who has the event itself tells of it
	n.mu.Lock()
	defer n.mu.Unlock()
	n.read = d.meta.Sequence.Stream
	if unreadable != nil || released(m) {
		<-n.room
		return nil
	}
	key := cmp.Or(d.event.Key, d.event.ID)
	n.pending[n.read] = struct{}{}
	at := n.lines[key]
	if at == nil {
		at = &line{}
		n.lines[key] = at
		n.working.Go(func() { n.follow(key, at) })
	}
	at.waiting = append(at.waiting, &laneEvent{d.meta, d.event})
	return nil
}

// follow works the events of one key off, until there are no more.
func (n *lane) follow(key string, at *line) {
	for {
		n.mu.Lock()
		if len(at.waiting) == 0 {
			delete(n.lines, key)
			n.mu.Unlock()
			return
		}
		e := at.waiting[0]
		at.waiting = at.waiting[1:]
		n.mu.Unlock()
		if !n.work(e) {
			return // the lane is another's, or will be
		}
		n.mu.Lock()
		delete(n.pending, e.meta.Sequence.Stream)
		n.mu.Unlock()
		<-n.room
	}
}

// work runs the ordered hooks of an event until each has come to its end.
func (n *lane) work(e *laneEvent) bool {
	ended := map[string]bool{}
	for n.ctx.Err() == nil {
		if !n.of.c.options.Latest.await(n.ctx, e.event, false) {
			pause(n.ctx, latestAgain) // nothing of its key may pass it by
			continue
		}
		t, matches := n.of.c.reactor.Plan(e.event)
		if t != nil && t.State.Paused {
			pause(n.ctx, laneTick)
			continue
		}
		m := nextOrdered(matches, ended)
		if m == nil {
			return true
		}
		if !n.toEnd(e, m) {
			return false
		}
		ended[m.Name] = true
	}
	return false
}

// nextOrdered returns the first ordered hook that has not come to its end.
func nextOrdered(matches []*hooks.Match, ended map[string]bool) *hooks.Match {
	for _, m := range matches {
		if m.Ordered && !ended[m.Name] {
			return m
		}
	}
	return nil
}

// toEnd runs a hook, as often as its schedule says; each attempt under the release that is current then.
func (n *lane) toEnd(e *laneEvent, hook *hooks.Match) bool {
	id := taskID(e.meta, hook.Name, hook.Function)
	w := hooks.Work{ID: id, Stored: e.meta.Timestamp, Sequence: e.meta.Sequence.Stream}
	if kept, ok := n.kept(id); ok {
		w.Attempts, w.Due = kept.Attempts, kept.Due
	}
	tried := len(w.Attempts) > 0
	for {
		if wait := time.Until(w.Due); wait > 0 && !pause(n.ctx, wait) {
			return false
		}
		t, matches := n.of.c.reactor.Plan(e.event)
		m := hooks.Named(matches, hook.Name)
		if m == nil || !m.Ordered { // it was switched off meanwhile, or is gone
			return !tried || n.drop(w, e, hook)
		}
		next, ok := n.attempt(e, t, m, w)
		if !ok {
			return false
		}
		if len(next.Attempts) == len(w.Attempts) || next.Due.IsZero() {
			return !tried || n.forget(id)
		}
		w, tried = next, true
	}
}

// attempt runs a hook once, and returns when its record is kept.
func (n *lane) attempt(e *laneEvent, t *hooks.Table, m *hooks.Match, w hooks.Work) (next hooks.Work, ok bool) {
	select {
	case n.of.places <- struct{}{}:
	case <-n.ctx.Done():
		return w, false
	}
	defer func() { <-n.of.places }()
	if !n.valid() {
		return w, false
	}
	recorded := make(chan struct{})
	records := &tally{then: func() { close(recorded) }}
	records.begin()
	event := *e.event
	if watch := n.of.c.options.Watch; watch != nil { // who answers for this process need not give it back: the lane goes on elsewhere
		for event.Slot == nil {
			event.Slot = watch.Hold(&hooks.Held{Kind: hooks.HeldStuck, App: event.App})
			if event.Slot == nil && !pause(n.ctx, overloadedAgain) {
				return w, false
			}
		}
		defer event.Slot.Done(nil)
	}
	doubtful := e.meta.Sequence.Stream < n.doubt
	since := n.since
	if e.meta.Timestamp.Sub(t.Release.Created) < compareEvery { // a worker with another release may have run it
		doubtful, since = true, time.Now()
	}
	k := &task{
		event: &event, table: t, match: m, work: w, since: since, doubtful: doubtful,
		repeated: e.meta.Sequence.Stream < n.doubt, records: records, retry: n.remember,
	}
	ok = n.of.c.run(n.of.runs, k)
	records.end()
	if !ok {
		return w, false
	}
	select {
	case <-recorded:
		return k.work, true
	case <-n.of.runs.Done():
		return k.work, false
	}
}

// valid reports whether the lane is this worker's.
func (n *lane) valid() bool { return time.Now().UnixNano() < n.until.Load() && n.ctx.Err() == nil }

func (n *lane) kept(id string) (hooks.Work, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	w, ok := n.retries[id]
	return w, ok
}

// remember keeps that a hook is to be tried again, so that another worker knows.
func (n *lane) remember(ctx context.Context, w hooks.Work) error {
	w.Event = nil
	value, err := json.Marshal(w)
	if err != nil {
		return err
	}
	_, err = n.of.c.conn.order.Put(ctx, n.id.retries()+w.ID, value)
	return err
}

// forget drops what remember has kept.
func (n *lane) forget(id string) bool {
	conn := n.of.c.conn
	return n.of.c.insist(n.of.runs, func() error { return conn.erase(n.of.runs, conn.order, n.id.retries()+id) })
}

// drop leaves a hook that was tried, and is not ordered any more, to the work that waits.
func (n *lane) drop(tried hooks.Work, e *laneEvent, m *hooks.Match) bool {
	w := hooks.NewWork(tried.ID, e.event, tried.Stored, m)
	w.Sequence, w.Attempts, w.Due = tried.Sequence, tried.Attempts, tried.Due
	return n.of.c.insist(n.of.runs, func() error { return n.of.c.retryLater(n.of.runs, w) }) && n.forget(w.ID)
}
