package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// Gate is the caller's side: it asks the hooks of a call, and tells of calls that were made. It is safe for concurrent
// use; a process needs one.
type Gate struct {
	conn   *Conn
	tables *hooks.Tables
	inbox  *inbox
	calls  *calls
	crowd  *bundler
	free   sync.Pool // of *question
	status chan nats.Status
	done   chan struct{}
}

// NewGate returns a gate that knows from tables what is registered; [Releases.Watch] keeps those current.
func NewGate(conn *Conn, tables *hooks.Tables) (*Gate, error) {
	in, err := newInbox(conn.nc)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	calls, err := newCalls(conn)
	if err != nil {
		in.close()
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Gate{
		calls: calls, conn: conn, tables: tables, inbox: in, crowd: newBundler(conn), done: make(chan struct{}),
		status: conn.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING),
	}
	g.free.New = func() any { return newQuestion() }
	go g.follow()
	return g, nil
}

// follow tells waiting asks of the connection's state.
func (g *Gate) follow() {
	defer close(g.done)
	for status := range g.status {
		g.inbox.connected(status == nats.CONNECTED)
	}
}

// Close ends the gate. Asks that wait go on waiting until their deadline; nobody may ask any more.
func (g *Gate) Close() {
	g.inbox.close()
	g.calls.close()
	g.conn.nc.RemoveStatusListener(g.status)
	<-g.done
	g.crowd.close()
}

// join has the question travel with others, if it can.
func (g *Gate) join(q *question, left time.Duration) bool {
	if q.crowd < askCrowd || len(q.payload) > maxItem || q.trace != "" {
		return false
	}
	b := g.crowd.begin(g.conn.subjects.bundles())
	if b == nil {
		return false
	}
	g.inbox.mu.Lock()
	if b.items == 0 {
		g.inbox.bundles++
		b.reply = g.inbox.prefix + bundled + strconv.FormatUint(g.inbox.bundles, 36)
		b.number = g.inbox.bundles
	}
	q.bundle = b.number
	g.inbox.mu.Unlock()
	b.text(q.subject)
	b.uint(q.number)
	b.uint(uint64(max(left.Milliseconds(), 1)))
	b.bytes(q.payload)
	g.crowd.end(b, min(q.crowd/askShare, maxBundle))
	return true
}

// Ask has the hooks of an event decide, and returns at once if there are none. It waits until the event's deadline or
// ctx's, whichever is earlier; if there is neither, 10 s or as long as the hook with the longest timeout may take. A verdict that could not be had is one that stops the call,
// with UNAVAILABLE (no worker), HOOK_TIMEOUT (too late) or TOO_LARGE; or, if every hook that matches is to be ignored
// when it fails, one that goes on with a warning. The error is for an event that cannot be: a bad name or phase.
//
// The event is not changed. Its hooks may run a second time if the worker that had it dies.
func (g *Gate) Ask(ctx context.Context, e *hooks.Event) (hooks.Verdict, error) {
	if err := checkCall(e); err != nil {
		return hooks.Verdict{}, err
	}
	table := g.tables.Of(e.App)
	if !table.Has(e, true) {
		return hooks.GoOn(), nil
	}
	if table.Canary != nil { // the worker must pick the same release
		e = identified(e)
	}
	verdict, fault := g.ask(ctx, e)
	if fault == nil {
		return verdict, nil
	}
	matches := table.For(e).Match(e, true)
	if !errors.Is(ctx.Err(), context.Canceled) && hooks.Ignored(e.Phase, matches) {
		verdict = hooks.GoOn()
		verdict.Warnings = []string{fmt.Sprintf("hooks were not asked: %s: %s", fault.Code, fault.Message)}
		return verdict, nil
	}
	return hooks.Stop(fault), nil
}

// patience is how long to wait for the hooks of an event whose caller names no deadline: ten seconds, or longer if one
// of them may take longer.
func (g *Gate) patience(e *hooks.Event) time.Duration {
	longest := hooks.DefaultTimeout
	for _, m := range g.tables.Of(e.App).For(e).Match(e, true) {
		longest = max(longest, m.Timeout)
	}
	return longest
}

// ask sends the event and waits for its verdict.
func (g *Gate) ask(ctx context.Context, e *hooks.Event) (hooks.Verdict, *hooks.Error) {
	q, _ := g.free.Get().(*question)
	now := time.Now()
	q.prepare(ctx, g, e, now)
	defer g.end(q)
	if limit := g.conn.nc.MaxPayload(); int64(len(q.payload)) > limit {
		return hooks.Verdict{}, hooks.Errorf(hooks.CodeTooLarge, "the event has %d bytes, NATS takes %d", len(q.payload), limit)
	}
	reply, fault := q.await(ctx, now)
	if fault != nil {
		return hooks.Verdict{}, fault
	}
	reply, release := splitRelease(reply)
	verdict, err := hooks.ParseVerdict(reply)
	if err != nil {
		return verdict, hooks.Errorf(hooks.CodeHookError, "the worker's verdict cannot be read").Because(err)
	}
	verdict.Release = release
	return verdict, nil
}

// splitRelease takes from a verdict the number of the release that decided, which stands behind it in a line of its own;
// 0 if none does.
func splitRelease(reply []byte) (verdict []byte, release uint64) {
	i := bytes.LastIndexByte(reply, '}') + 1
	if i == len(reply) || reply[i] != '\n' {
		return reply, 0
	}
	release, err := strconv.ParseUint(string(reply[i+1:]), 10, 64)
	if err != nil {
		return reply, 0
	}
	return reply[:i], release
}

// end forgets the question; its memory is used again.
func (g *Gate) end(q *question) {
	g.inbox.forget(q)
	if cap(q.payload) > maxKept {
		q.payload = nil
	}
	g.free.Put(q)
}
