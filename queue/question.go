package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// deadlineHeader carries how many milliseconds are left for the whole chain, if not the default.
const deadlineHeader = "Gaff-Deadline"

// releaseHeader carries, with a verdict, the number of the release that decided. Gates get it in another way. With a call it
// carries the number of the release that its caller knows.
const releaseHeader = "Gaff-Release"

const (
	// silence is for how long a gate hears nothing of an ask before it asks again. A worker that has it says so four
	// times as often.
	silence = time.Second
	// patience bounds how long a gate looks for a worker when there is none.
	patience = time.Second
	// recovery is how long a worker has, once the connection is back, to say that it still has the ask.
	recovery = 350 * time.Millisecond
	// grace is how long after the chain's deadline its verdict may still arrive. It knows better than the gate which
	// hook was late and what that means.
	grace = 100 * time.Millisecond
	// maxMargin is the most that is kept of a caller's own deadline for the verdict's way back.
	maxMargin = 50 * time.Millisecond
	// usual is how far from the default what is left may be without being worth a header.
	usual = 100 * time.Millisecond

	firstBackoff = 5 * time.Millisecond
	maxBackoff   = 100 * time.Millisecond
)

// question is one ask on its way. Questions are reused; their numbers are not.
type question struct {
	number uint64
	news   news   // under the inbox's lock
	bundle uint64 // that the question went out in, likewise; 0: alone
	crowd  int    // how many were waiting when it was put
	wake   chan struct{}
	timer  *time.Timer

	gate     *Gate
	subject  string
	payload  []byte
	trace    string
	deadline time.Time // of the chain
	giveUp   time.Time

	answered bool // and so forgotten by the inbox
	sent     bool
	next     time.Time     // when to ask again
	denied   bool          // nobody was there when it was last sent
	refused  time.Time     // since when nobody is there; zero: somebody may be
	backoff  time.Duration // until somebody is looked for again
	sendFail error
}

func newQuestion() *question {
	q := &question{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	q.timer.Stop()
	return q
}

// poke wakes whoever waits for the question. One that is woken for nothing looks and waits on.
func (q *question) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// prepare makes the question one about the event.
func (q *question) prepare(ctx context.Context, g *Gate, e *hooks.Event, now time.Time) {
	q.gate, q.subject = g, g.conn.subjects.ask(e)
	q.payload, q.trace = e.AppendJSON(q.payload[:0]), traceOf(e)
	q.answered, q.sent, q.denied = false, false, false
	q.sendFail, q.refused, q.backoff = nil, time.Time{}, 0
	q.deadline = e.Deadline
	if q.deadline.IsZero() {
		q.deadline = now.Add(g.patience(e))
	}
	q.giveUp = q.deadline.Add(grace)
	if hard, ok := ctx.Deadline(); ok && hard.Before(q.giveUp) {
		q.giveUp = hard
		margin := min(hard.Sub(now)/10, maxMargin)
		if hard = hard.Add(-margin); hard.Before(q.deadline) {
			q.deadline = hard
		}
	}
	g.inbox.add(q)
}

// await sends the question, again where that is called for, until there is a verdict or no time is left.
func (q *question) await(ctx context.Context, now time.Time) ([]byte, *hooks.Error) {
	defer q.timer.Stop()
	for ; ; now = time.Now() {
		if !q.giveUp.After(now) {
			return nil, q.late()
		}
		if !q.next.After(now) || !q.sent {
			q.send(now)
		}
		if errors.Is(q.sendFail, nats.ErrConnectionClosed) {
			return nil, q.late()
		}
		q.timer.Reset(min(q.next.Sub(now), q.giveUp.Sub(now)))
		select {
		case <-q.wake:
		case <-q.timer.C:
		case <-ctx.Done():
		}
		news := q.gate.inbox.look(q)
		switch {
		case news.reply != nil:
			q.answered = true
			return news.reply, nil
		case ctx.Err() != nil:
			return nil, q.abandoned(ctx)
		}
		if fault := q.consider(&news); fault != nil {
			return nil, fault
		}
	}
}

// consider decides from what is new when to ask again.
func (q *question) consider(n *news) *hooks.Error {
	now := time.Now()
	if heard := n.heard.Add(silence); heard.After(q.next) {
		q.next = heard
	}
	switch {
	case n.refused && q.refused.IsZero():
		q.refused = now
	case n.refused && now.Sub(q.refused) >= patience:
		return hooks.Errorf(hooks.CodeUnavailable, "no worker is there to run the hooks")
	}
	if q.denied = q.denied || n.refused; n.refused {
		q.backoff = min(max(2*q.backoff, firstBackoff), maxBackoff)
		q.next = now.Add(q.backoff)
	}
	if n.returned {
		q.next = now.Add(recovery)
	}
	return nil
}

// send asks, or notes why that cannot be now. What is asked while the connection is away goes out when it is back.
func (q *question) send(now time.Time) {
	q.next = now.Add(silence)
	if !q.denied {
		q.refused, q.backoff = time.Time{}, 0
	}
	q.denied = false
	if q.gate.inbox.down.Load() {
		return
	}
	nc := q.gate.conn.nc
	left := q.deadline.Sub(now)
	if !q.sent && q.gate.join(q, left) {
		q.sent = true
		return
	}
	if header := q.header(left); header == nil {
		q.sendFail = nc.PublishRequest(q.subject, q.gate.inbox.replyTo(q), q.payload)
	} else {
		q.sendFail = nc.PublishMsg(&nats.Msg{Subject: q.subject, Reply: q.gate.inbox.replyTo(q), Data: q.payload, Header: header})
	}
	q.sent = q.sendFail == nil
}

// header is what the ask says beside its payload; nil: nothing, which costs the least.
func (q *question) header(left time.Duration) nats.Header {
	usually := hooks.DefaultTimeout-usual < left && left <= hooks.DefaultTimeout
	if usually && q.trace == "" {
		return nil
	}
	header := nats.Header{}
	if !usually {
		header[deadlineHeader] = []string{strconv.FormatInt(max(left.Milliseconds(), 1), 10)}
	}
	setTrace(header, q.trace)
	return header
}

// late is why there is no verdict at the deadline.
func (q *question) late() *hooks.Error {
	switch {
	case q.denied:
		return hooks.Errorf(hooks.CodeUnavailable, "no worker is there to run the hooks")
	case !q.sent, q.gate.inbox.down.Load():
		return hooks.Errorf(hooks.CodeUnavailable, "the hooks cannot be reached").Because(q.sendFail)
	}
	return hooks.Errorf(hooks.CodeHookTimeout, "the hooks did not decide in time")
}

// abandoned is why there is no verdict when the caller's context has ended.
func (q *question) abandoned(ctx context.Context) *hooks.Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return q.late()
	}
	return hooks.Errorf(hooks.CodeUnavailable, "the caller did not wait for the hooks").Because(ctx.Err())
}
