package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// Pool runs what is handed over on goroutines of its own. Submit does not block; false means that there is no room.
type Pool interface {
	Submit(f func()) bool
}

// group is the queue group of all workers: each ask goes to one of them.
const group = "gaff"

const (
	// stopTimeout bounds how long a worker that stops waits for what it has accepted.
	stopTimeout = 20 * time.Second
	// cancelTimeout is what a run gets to end once that has passed and its context is cancelled.
	cancelTimeout = time.Second
)

// asks answers what is asked on one subscription.
type asks struct {
	conn    *Conn
	handler hooks.Answerer
	pool    Pool
	ctx     context.Context // of the runs; ends after the subscription
	pending sync.WaitGroup  // accepted and not yet answered
	working working
	free    sync.Pool // of *ask
}

// Serve answers asks with the handler's verdicts until ctx ends. It shares them with every other process that serves
// under the same prefix. The pool decides how many run at once; an ask that it has no room for is answered with
// OVERLOADED. When ctx ends, no further asks come in, and Serve returns when those that have are answered, or after
// 20 s. A panic of the handler is answered with HOOK_ERROR.
func Serve(ctx context.Context, conn *Conn, handler hooks.Answerer, pool Pool) error {
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	s := &asks{conn: conn, handler: handler, pool: pool, ctx: runs}
	s.free.New = func() any {
		a := &ask{asks: s}
		a.run = a.answer
		return a
	}
	sub, err := conn.nc.QueueSubscribe(conn.subjects.asks(), group, s.accept)
	if err != nil {
		return fmt.Errorf("serve asks: %w", err)
	}
	ended := make(chan struct{})
	sub.SetClosedHandler(func(string) { close(ended) })
	if err := sub.SetPendingLimits(-1, -1); err != nil { // the pool bounds what is in hand, and says so to the caller
		return fmt.Errorf("serve asks: %w", err)
	}
	tell := make(chan struct{})
	go func() {
		defer close(tell)
		s.tell(runs)
	}()
	defer func() { <-tell }()
	defer cancel()
	select {
	case <-ended:
		return errors.New("serve asks: the connection was closed")
	case <-ctx.Done():
		return s.stop(sub, ended, cancel)
	}
}

// stop ends the subscription and waits for what came in on it.
func (s *asks) stop(sub *nats.Subscription, ended <-chan struct{}, cancel context.CancelFunc) error {
	deadline := time.NewTimer(stopTimeout)
	defer deadline.Stop()
	done := make(chan struct{})
	end := sub.Drain
	if !s.conn.nc.IsConnected() { // nothing comes in, and draining would wait for the server to say so
		end = sub.Unsubscribe
	}
	if err := end(); err != nil {
		return fmt.Errorf("serve asks: %w", err)
	}
	go func() {
		<-ended
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
func (s *asks) accept(m *nats.Msg) {
	if m.Reply == "" {
		s.conn.log.Warn("an ask without a reply subject was dropped", "subject", m.Subject)
		return
	}
	a, _ := s.free.Get().(*ask)
	a.subject, a.replyTo, a.data, a.received = m.Subject, m.Reply, m.Data, time.Now()
	if m.Header != nil {
		a.left = m.Header.Get(deadlineHeader)
	}
	s.submit(a)
}

// submit has the ask answered.
func (s *asks) submit(a *ask) {
	s.pending.Add(1)
	s.working.add(a)
	if !s.pool.Submit(a.run) {
		verdict := hooks.Stop(hooks.Errorf(hooks.CodeOverloaded, "too many runs in flight; try again"))
		a.tell(verdict)
	}
}

// servedPause is how long Served waits between two looks.
const servedPause = 10 * time.Millisecond

// Served waits until a worker answers asks.
func (c *Conn) Served(ctx context.Context) error {
	nothing := c.subjects.ask(&hooks.Event{App: hooks.DefaultApp, Service: "gaff", Operation: "served", Phase: hooks.Before})
	for {
		attempt, cancel := context.WithTimeout(ctx, time.Second)
		_, err := c.nc.RequestWithContext(attempt, nothing, nil)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if !pause(ctx, servedPause) {
			return ctx.Err()
		}
	}
}
