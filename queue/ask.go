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

// ask is one that was accepted, until it is answered. Asks are reused.
type ask struct {
	asks     *asks
	run      func(*hooks.Place) // answer, made once
	subject  string
	replyTo  string
	left     time.Duration // for the whole chain; 0: the default
	trace    string
	data     []byte
	event    hooks.Event // made of it
	received time.Time
	crash    *hooks.Crash
	over     func()     // is called when the run has come back; may be nil
	slot     hooks.Slot // nil if nobody watches
	with     *verdicts  // nil if it came alone
	number   uint64     // in its bundle
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
	e := &a.event
	*e = hooks.Event{Slot: a.slot, Place: place, Crash: a.crash}
	if err := a.parse(e); err != nil {
		a.tell(hooks.Stop(hooks.AsError(err)))
		return
	}
	if !a.asks.latest.await(a.asks.ctx, e, true) {
		a.tell(hooks.Stop(behindRelease(e.App)))
		return
	}
	a.asks.handler.HandleThen(a.asks.ctx, e, func(v hooks.Verdict) {
		told = true
		a.tell(v)
	})
}

// tell sends the verdict, with those on the asks that it came with, and gives the ask back.
func (a *ask) tell(v hooks.Verdict) {
	a.write(&v)
	if with := a.with; with != nil {
		a.with = nil
		if len(a.buffer) <= maxItem {
			with.add(a)
			return
		}
		with.leave()
	}
	a.send(v.Release)
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

// releaseRoom is what the number of a release may add to a verdict, in bytes.
const releaseRoom = 64

// write puts into the buffer what goes back: the verdict, or why it cannot be sent. A gate gets the number of the release
// behind the JSON, as [splitRelease] reads it.
func (a *ask) write(v *hooks.Verdict) {
	a.buffer = v.AppendJSON(a.buffer[:0])
	if limit := a.asks.conn.nc.MaxPayload() - releaseRoom; int64(len(a.buffer)) > limit {
		text := fmt.Sprintf("the verdict has %d bytes, NATS takes %d", len(a.buffer), limit)
		short := hooks.Stop(hooks.Errorf(hooks.CodeHookError, "%s", text))
		a.buffer = short.AppendJSON(a.buffer[:0])
	}
	if v.Release != 0 && a.ofGate() {
		a.buffer = strconv.AppendUint(append(a.buffer, '\n'), v.Release, 10)
	}
}

// ofGate reports whether a gate has asked.
func (a *ask) ofGate() bool { return strings.HasPrefix(a.replyTo, inboxPrefix) }

// send sends what is in the buffer. For who is no gate the number of the release is in a header, which costs a fifth of
// the throughput.
func (a *ask) send(release uint64) {
	conn, m := a.asks.conn, &nats.Msg{Subject: a.replyTo, Data: a.buffer}
	if release != 0 && !a.ofGate() {
		m.Header = nats.Header{releaseHeader: {strconv.FormatUint(release, 10)}}
	}
	if err := conn.nc.PublishMsg(m); err != nil {
		conn.log.Warn("a verdict could not be sent", "subject", a.subject, "error", err)
	}
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
	a.subject, a.replyTo, a.left, a.data, a.event = "", "", 0, nil, hooks.Event{}
	if cap(a.buffer) > maxKept {
		a.buffer = nil
	}
	s.free.Put(a)
	s.pending.Done()
}
