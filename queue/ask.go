package queue

import (
	"cmp"
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// ask is one that was accepted, until it is answered. Asks are reused; their events are not.
type ask struct {
	asks     *asks
	run      func(*hooks.Place) // answer, made once
	subject  string
	replyTo  string
	left     time.Duration // for the whole chain; 0: the default
	trace    string
	data     []byte
	received time.Time
	crash    *hooks.Crash
	over     func()     // is called when the run has come back; may be nil
	slot     hooks.Slot // nil if nobody watches
	place    int        // in the list of what is being worked on
	buffer   []byte
}

// answer runs the hooks and sends the verdict.
func (a *ask) answer(place *hooks.Place) {
	told, over := false, a.over
	defer func() {
		if p := recover(); p != nil {
			a.asks.conn.log.Error("panic in a run", "subject", a.subject, "panic", p, "stack", string(debug.Stack()))
			if !told {
				a.tell(hooks.Stop(hooks.Errorf(hooks.CodeHookError, "the run broke off")))
			}
		}
		if over != nil {
			over()
		}
	}()
	e := &hooks.Event{Slot: a.slot, Place: place, Crash: a.crash}
	if err := a.parse(e); err != nil {
		a.tell(hooks.Stop(hooks.AsError(err)))
		return
	}
	a.asks.latest.await(a.asks.ctx, e, true)
	a.asks.handler.HandleThen(a.asks.ctx, e, func(v hooks.Verdict) {
		told = true
		a.tell(v)
	})
}

// tell sends the verdict and gives the ask back.
func (a *ask) tell(v hooks.Verdict) {
	a.reply(&v)
	a.finish()
}

// hold notes that the ask is in hand, for who answers if this process dies; false: there is no room.
func (a *ask) hold() bool {
	s := a.asks
	if s.watch == nil {
		return true
	}
	a.slot = s.watch.Hold(&hooks.Held{
		Kind: hooks.HeldAsk, App: s.conn.subjects.appOf(a.subject), Subject: a.subject, Reply: a.replyTo,
		Deadline: a.received.Add(cmp.Or(a.left, hooks.DefaultTimeout)), Data: a.data,
		Trace: a.trace,
	})
	return a.slot != nil
}

// parse reads the message; nothing of it is decoded before a script touches it.
func (a *ask) parse(e *hooks.Event) error {
	if err := a.asks.conn.subjects.parseAsk(a.subject, e); err != nil {
		return err
	}
	e.Deadline, e.Asked = a.received.Add(cmp.Or(a.left, hooks.DefaultTimeout)), true
	e.Trace = a.trace
	var err error
	e.Payload, err = hooks.ParsePayload(a.data)
	return err
}

// reply sends the verdict, or why it cannot be sent.
func (a *ask) reply(v *hooks.Verdict) {
	conn := a.asks.conn
	a.buffer = v.AppendJSON(a.buffer[:0])
	if limit := conn.nc.MaxPayload() - releaseRoom; int64(len(a.buffer)) > limit {
		text := fmt.Sprintf("the verdict has %d bytes, NATS takes %d", len(a.buffer), limit)
		short := hooks.Stop(hooks.Errorf(hooks.CodeHookError, "%s", text))
		a.buffer = short.AppendJSON(a.buffer[:0])
	}
	if err := a.send(v.Release); err != nil {
		conn.log.Warn("a verdict could not be sent", "subject", a.subject, "error", err)
	}
}

// releaseRoom is what the number of a release may add to a verdict, in bytes.
const releaseRoom = 64

// send sends what is in the buffer as the verdict of a release. A gate gets the number behind the JSON, as [splitRelease]
// reads it; for anybody else there is a header, which costs a fifth of the throughput.
func (a *ask) send(release uint64) error {
	nc := a.asks.conn.nc
	if !strings.HasPrefix(a.replyTo, inboxPrefix) {
		if release == 0 {
			return nc.Publish(a.replyTo, a.buffer)
		}
		header := nats.Header{releaseHeader: {strconv.FormatUint(release, 10)}}
		return nc.PublishMsg(&nats.Msg{Subject: a.replyTo, Data: a.buffer, Header: header})
	}
	if release != 0 {
		a.buffer = strconv.AppendUint(append(a.buffer, '\n'), release, 10)
	}
	if len(a.buffer) <= maxItem && a.asks.working.crowd() && a.join() {
		return nil
	}
	return nc.Publish(a.replyTo, a.buffer)
}

// join has the verdict travel with others to the same gate, if it can.
func (a *ask) join() bool {
	i := strings.LastIndexByte(a.replyTo, '.') + 1
	number, err := strconv.ParseUint(a.replyTo[i:], 36, 64)
	if err != nil {
		return false
	}
	b := a.asks.crowd.begin(a.replyTo[:i] + bundled)
	if b == nil {
		return false
	}
	b.uint(number)
	b.bytes(a.buffer)
	a.asks.crowd.end(b)
	return true
}

// maxKept is the largest buffer, in bytes, that is kept for the next ask.
const maxKept = 64 << 10

// finish gives the ask back.
func (a *ask) finish() {
	s := a.asks
	s.working.remove(a)
	if a.slot != nil {
		a.slot.Done(a.buffer)
	}
	a.slot, a.crash, a.trace = nil, nil, ""
	a.subject, a.replyTo, a.left, a.data = "", "", 0, nil
	if cap(a.buffer) > maxKept {
		a.buffer = nil
	}
	s.free.Put(a)
	s.pending.Done()
}
