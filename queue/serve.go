package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Pool runs what is handed over on goroutines of its own. Submit does not block; false means that there is no room.
type Pool interface {
	Submit(app string, f func(*hooks.Place)) bool
}

// ServeOptions say how asks are answered. The zero value is good.
type ServeOptions struct {
	Watch hooks.Watch // may be nil
	Ready func()      // called once asks are taken in; may be nil
	Apps  hooks.Apps  // whose scripts run here; what comes in of others goes on to who runs theirs
	// Latest brings the handler's tables up to date for an ask that no hook is for, in case its gate knows more, and for a
	// call whose gate knows another release; may be nil.
	Latest *Latest
}

// group is the queue group of all workers: each ask goes to one of them.
const group = "gaff"

const (
	// stopTimeout bounds how long a worker that stops waits for what it has accepted.
	stopTimeout = 20 * time.Second
	// cancelTimeout is what a run gets to end once that has passed and its context is cancelled.
	cancelTimeout = time.Second
)

// asks answers what is asked.
type asks struct {
	conn    *Conn
	handler hooks.Answerer
	pool    Pool
	watch   hooks.Watch     // may be nil
	latest  *Latest         // may be nil
	ctx     context.Context // of the runs; ends after the subscription
	apps    hooks.Apps
	subs    *subscriptions
	others  *own           // run the scripts of apps that this process does not; nil: it runs all
	pending sync.WaitGroup // accepted and not yet answered
	working working
	free    sync.Pool // of *ask
	bundled sync.Pool // of *verdicts
}

// Serve answers asks with the handler's verdicts until ctx ends. It shares them with every other process that serves
// under the same prefix. The pool decides how many run at once; an ask that it has no room for is answered with
// OVERLOADED. When ctx ends, no further asks come in, and Serve returns when those that have are answered, or after
// 20 s. A panic of the handler is answered with HOOK_ERROR.
func Serve(ctx context.Context, conn *Conn, handler hooks.Answerer, pool Pool, options ServeOptions) error {
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := newAsks(runs, conn, handler, pool, options)
	if err := s.subscribe(); err != nil {
		return fmt.Errorf("serve asks: %w", err)
	}
	if options.Ready != nil {
		conn.flush()
		options.Ready()
	}
	tell := make(chan struct{})
	go func() {
		defer close(tell)
		s.tell(runs)
	}()
	defer func() { <-tell }()
	defer cancel()
	select {
	case <-s.subs.ended:
		return errors.New("serve asks: the connection was closed")
	case <-ctx.Done():
		return s.stop(cancel)
	}
}

// newAsks returns what answers asks; its runs end with ctx.
func newAsks(ctx context.Context, conn *Conn, handler hooks.Answerer, pool Pool, options ServeOptions) *asks {
	s := &asks{conn: conn, handler: handler, pool: pool, watch: options.Watch, latest: options.Latest, ctx: ctx, apps: options.Apps}
	s.bundled.New = func() any {
		v := &verdicts{asks: s}
		v.timer = time.AfterFunc(time.Hour, v.hurry)
		return v
	}
	s.free.New = func() any {
		a := &ask{asks: s}
		a.run = a.answer
		return a
	}
	return s
}

// subscribe begins to take asks, single ones, bundles, and those that others hand on.
func (s *asks) subscribe() error {
	subjects, accept := s.conn.subjects.asks("*"), s.accept
	switch {
	case s.apps.Only != "":
		subjects = s.conn.subjects.asks(s.apps.Only)
	case !s.apps.All():
		accept = s.acceptOurs
	}
	s.subs = s.conn.newSubscriptions()
	handed := s.conn.newOwn(s.apps, kindAsk, s.subs, accept)
	if !s.apps.All() {
		s.others = handed
	}
	return errors.Join(
		s.subs.add(subjects, group, accept),
		s.subs.add(s.conn.subjects.bundles(), group, s.acceptBundle),
		handed.open(),
	)
}

// stop ends the subscriptions and waits for what came in on them.
func (s *asks) stop(cancel context.CancelFunc) error {
	deadline := time.NewTimer(stopTimeout)
	defer deadline.Stop()
	done := make(chan struct{})
	if err := s.subs.end(); err != nil {
		return fmt.Errorf("serve asks: %w", err)
	}
	go func() {
		<-s.subs.ended
		s.pending.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-deadline.C:
		cancel()
		deadline.Reset(cancelTimeout)
		select {
		case <-done:
		case <-deadline.C:
			return fmt.Errorf("serve asks: runs did not end within %v", stopTimeout)
		}
	}
	s.conn.flush()
	return nil
}

// accept is the subscription's callback: it only hands over.
func (s *asks) accept(m *nats.Msg) { s.acceptThen(m, nil) }

// acceptThen has over called, if it is not nil, when the run has come back.
func (s *asks) acceptThen(m *nats.Msg, over func()) {
	if m.Reply == "" {
		s.conn.log.Warn("an ask without a reply subject was dropped", "subject", m.Subject)
		return
	}
	a, _ := s.free.Get().(*ask)
	a.subject, a.replyTo, a.data, a.received, a.over = m.Subject, m.Reply, m.Data, time.Now(), over
	a.trace = readTrace(m.Header)
	s.conn.lastAsk.Store(a.received.UnixNano())
	s.conn.acknowledge(m)
	if text := m.Header.Get(deadlineHeader); text != "" {
		ms, err := strconv.ParseUint(text, 10, 31)
		if err != nil || ms == 0 {
			s.refuse(a, hooks.Errorf(hooks.CodeBadRequest, "%s %.40q is not a number of milliseconds", deadlineHeader, text))
			return
		}
		a.left = time.Duration(ms) * time.Millisecond
	}
	if text := m.Header.Get(crashHeader); text != "" {
		a.crash = readCrash(text)
	}
	s.submit(a)
}

// acceptBundle is the same for several asks in one message.
func (s *asks) acceptBundle(m *nats.Msg) {
	inbox := m.Reply[:strings.LastIndexByte(m.Reply, '.')+1]
	if !strings.HasPrefix(inbox, inboxPrefix) || !strings.HasPrefix(m.Reply[len(inbox):], bundled) {
		s.conn.log.Warn("a bundle that is not a gate's was dropped", "subject", m.Subject)
		return
	}
	now := time.Now()
	s.conn.lastAsk.Store(now.UnixNano())
	u := unbundler{data: m.Data}
	with := s.newVerdicts(inbox + bundled)
	defer with.complete()
	for items := 0; u.more() && items < maxBundle; items++ {
		subject, number, left, payload := u.bytes(), u.uint(), u.uint(), u.bytes()
		if u.err != nil {
			break
		}
		if s.others != nil && s.passItem(string(subject), inbox+strconv.FormatUint(number, 36), left, payload) {
			continue
		}
		a, _ := s.free.Get().(*ask)
		a.over, a.with, a.number = nil, with, number
		with.expect()
		a.subject, a.replyTo, a.data, a.received = string(subject), inbox+strconv.FormatUint(number, 36), payload, now
		a.left = time.Duration(min(left, math.MaxInt32)) * time.Millisecond
		s.submit(a)
	}
	if u.more() || u.err != nil {
		s.conn.log.Warn("a bundle of asks is broken", "error", u.err)
	}
}

// refuse answers an ask without having it run.
func (s *asks) refuse(a *ask, err *hooks.Error) {
	s.pending.Add(1)
	s.working.add(a)
	a.tell(hooks.Stop(err))
}

// submit has the ask answered.
func (s *asks) submit(a *ask) {
	s.pending.Add(1)
	s.working.add(a)
	if !a.hold() || !s.pool.Submit(s.conn.subjects.appOf(a.subject), a.run) {
		a.tell(hooks.Stop(hooks.Errorf(hooks.CodeOverloaded, "too many runs in flight; try again")))
	}
}

// servedPause is how long Served waits between two looks.
const servedPause = 10 * time.Millisecond

// Served waits until a worker answers asks of the default app.
func (c *Conn) Served(ctx context.Context) error { return c.ServedApp(ctx, hooks.DefaultApp) }

// ServedApp waits until a worker answers asks of the app.
func (c *Conn) ServedApp(ctx context.Context, app string) error {
	nothing := c.subjects.ask(&hooks.Event{App: app, Service: "gaff", Operation: "served", Phase: hooks.Before})
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		m, err := c.nc.RequestWithContext(attempt, nothing, nil)
		cancel()
		switch {
		case err == nil && gjson.GetBytes(m.Data, "status").Int() != http.StatusServiceUnavailable:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if !pause(ctx, servedPause) {
			return ctx.Err()
		}
	}
}
