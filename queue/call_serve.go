package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// MethodHandler carries out a method call. It must be safe for concurrent use.
type MethodHandler func(ctx context.Context, call hooks.MethodCall) (hooks.Reply, error)

// callServer answers calls on one subscription.
type callServer struct {
	conn    *Conn
	handler MethodHandler
	pool    Pool
	watch   hooks.Watch     // may be nil
	latest  *Latest         // may be nil
	ctx     context.Context // of the calls; ends after the subscription
	apps    hooks.Apps
	subs    *subscriptions
	others  *own // as of asks
	pending sync.WaitGroup

	mu      sync.Mutex
	working map[*nats.Msg]time.Time // since when
}

// ServeCalls answers method calls until ctx ends, as [Serve] does asks: each call goes to one of all workers, the pool
// decides how many run at once, and one that it has no room for is answered with OVERLOADED. When ctx ends, no further
// calls come in, and ServeCalls returns when those that have are answered, or after 20 s.
func ServeCalls(ctx context.Context, conn *Conn, handler MethodHandler, pool Pool, options ServeOptions) error {
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &callServer{
		conn: conn, handler: handler, pool: pool, watch: options.Watch, latest: options.Latest, ctx: runs, apps: options.Apps,
		subs: conn.newSubscriptions(), working: map[*nats.Msg]time.Time{},
	}
	if err := s.subscribe(); err != nil {
		return fmt.Errorf("serve calls: %w", err)
	}
	told := make(chan struct{})
	go func() {
		defer close(told)
		s.tell()
	}()
	defer func() { <-told }()
	defer cancel()
	select {
	case <-s.subs.ended:
		return errors.New("serve calls: the connection was closed")
	case <-ctx.Done():
		return s.stop(cancel)
	}
}

// subscribe begins to take calls, also those that others hand on.
func (s *callServer) subscribe() error {
	subjects, accept := s.conn.subjects.calls("*"), s.accept
	switch {
	case s.apps.Only != "":
		subjects = s.conn.subjects.calls(s.apps.Only)
	case !s.apps.All():
		accept = s.acceptOurs
	}
	s.others = s.conn.newOwn(s.apps, kindCall, s.subs, accept)
	return errors.Join(s.subs.add(subjects, group, accept), s.others.open())
}

// stop ends the subscription and waits for what came in on it.
func (s *callServer) stop(cancel context.CancelFunc) error {
	if err := s.subs.end(); err != nil {
		return fmt.Errorf("serve calls: %w", err)
	}
	done := make(chan struct{})
	go func() {
		<-s.subs.ended
		s.pending.Wait()
		close(done)
	}()
	deadline := time.NewTimer(stopTimeout)
	defer deadline.Stop()
	select {
	case <-done:
	case <-deadline.C:
		cancel()
		deadline.Reset(cancelTimeout)
		select {
		case <-done:
		case <-deadline.C:
			return fmt.Errorf("serve calls: calls did not end within %v", stopTimeout)
		}
	}
	s.conn.flush()
	return nil
}

// accept is the subscription's callback: it only hands over.
func (s *callServer) accept(m *nats.Msg) {
	if m.Reply == "" {
		s.conn.log.Warn("a call without a reply subject was dropped", "subject", m.Subject)
		return
	}
	received := time.Now()
	s.pending.Add(1)
	s.mu.Lock()
	s.working[m] = received
	s.mu.Unlock()
	slot, ok := s.hold(m, received)
	if !ok || !s.pool.Submit(s.conn.subjects.appOfCall(m.Subject), func(place *hooks.Place) {
		defer place.Park()() // it waits for others throughout; what computes finds a place of its own
		s.answer(m, received, slot)
	}) {
		s.reply(m, "", hooks.Reply{}, hooks.Errorf(hooks.CodeOverloaded, "too many runs in flight; try again"))
		s.finish(m, slot)
	}
}

// hold notes that the call is in hand, for who answers if this process dies; false: there is no room.
func (s *callServer) hold(m *nats.Msg, received time.Time) (hooks.Slot, bool) {
	if s.watch == nil {
		return nil, true
	}
	slot := s.watch.Hold(&hooks.Held{
		Kind: hooks.HeldCall, App: s.conn.subjects.appOfCall(m.Subject), Subject: m.Subject, Reply: m.Reply,
		Deadline: received.Add(hooks.MaxTimeout),
	})
	return slot, slot != nil
}

func (s *callServer) finish(m *nats.Msg, slot hooks.Slot) {
	if slot != nil {
		slot.Done(nil)
	}
	s.mu.Lock()
	delete(s.working, m)
	s.mu.Unlock()
	s.pending.Done()
}

// answer carries out a call and sends what came of it.
func (s *callServer) answer(m *nats.Msg, received time.Time, slot hooks.Slot) {
	defer s.finish(m, slot)
	call := hooks.MethodCall{Slot: slot}
	defer func() {
		if p := recover(); p != nil {
			s.conn.log.Error("panic in a call", "subject", m.Subject, "panic", p, "stack", string(debug.Stack()))
			s.reply(m, call.RequestID, hooks.Reply{}, unknown(hooks.Errorf(hooks.CodeHookError, "the call broke off")))
		}
	}()
	left, err := s.parse(m, &call)
	if err != nil {
		s.reply(m, call.RequestID, hooks.Reply{}, err)
		return
	}
	ctx, cancel := context.WithDeadline(s.ctx, received.Add(left))
	defer cancel()
	if !s.latest.awaitRelease(ctx, call.App, m.Header.Get(releaseHeader)) {
		s.reply(m, call.RequestID, hooks.Reply{}, behindRelease(call.App))
		return
	}
	reply, err := s.handler(ctx, call)
	s.reply(m, call.RequestID, reply, err)
}

// parse reads a call, and how much time it has.
func (s *callServer) parse(m *nats.Msg, call *hooks.MethodCall) (time.Duration, error) {
	if err := s.conn.subjects.parseCall(m.Subject, call); err != nil {
		return 0, err
	}
	left := hooks.MaxTimeout
	if text := m.Header.Get(deadlineHeader); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			return 0, hooks.Errorf(hooks.CodeBadRequest, "%s %.40q is not a number of milliseconds", deadlineHeader, text)
		}
		left = time.Duration(ms) * time.Millisecond
	}
	p, err := hooks.ParsePayload(m.Data)
	call.RequestID, call.Payload, call.Headers, call.Session = p.ID, p.Message, p.Headers, p.Session
	call.Origin, call.Depth, call.Trace = p.Origin, p.Depth, readTrace(m.Header)
	return left, err
}

// reply sends what came of a call, or why it cannot be sent.
func (s *callServer) reply(m *nats.Msg, id string, reply hooks.Reply, err error) {
	var data []byte
	var wrong error
	if err == nil {
		data, wrong = appendReply(nil, id, &reply)
	} else {
		e := hooks.AsError(err)
		if e.Unwrap() != nil {
			s.conn.log.Warn("a call failed", "subject", m.Subject, "event", id, "error", err)
		}
		data, wrong = failedReply(id, e)
	}
	if limit := s.conn.nc.MaxPayload(); wrong == nil && int64(len(data)) > limit {
		data, wrong = failedReply(id, hooks.Errorf(hooks.CodeTooLarge, "the result has %d bytes, NATS takes %d", len(data), limit))
	}
	if wrong == nil {
		wrong = s.conn.nc.Publish(m.Reply, data)
	}
	if wrong != nil {
		s.conn.log.Warn("the answer to a call could not be sent", "subject", m.Subject, "error", wrong)
	}
}

// tell has gates know of calls that take long. To a client that is not a gate the first reply is the answer.
func (s *callServer) tell() {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			s.mu.Lock()
			list := slices.Collect(maps.Keys(s.working))
			list = slices.DeleteFunc(list, func(m *nats.Msg) bool { return now.Sub(s.working[m]) < tellEvery })
			s.mu.Unlock()
			for _, m := range list {
				if !strings.HasPrefix(m.Reply, inboxPrefix) {
					continue
				}
				if err := s.conn.nc.Publish(m.Reply, []byte(stillWorking)); err != nil {
					s.conn.log.Warn("a gate could not be told that its call is being carried out", "error", err)
					break
				}
			}
		}
	}
}
