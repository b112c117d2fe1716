package queue

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// ask is one that was accepted, until it is answered. Asks are reused; their events are not.
type ask struct {
	asks     *asks
	run      func() // answer, made once
	message  *nats.Msg
	received time.Time
	place    int // in the list of what is being worked on
	buffer   []byte
}

// answer runs the hooks and sends the verdict.
func (a *ask) answer() {
	defer a.finish()
	defer func() {
		if p := recover(); p != nil {
			a.asks.conn.log.Error("panic in a run", "subject", a.message.Subject, "panic", p, "stack", string(debug.Stack()))
			verdict := hooks.Stop(hooks.Errorf(hooks.CodeHookError, "the run broke off"))
			a.reply(&verdict)
		}
	}()
	e := &hooks.Event{}
	verdict := hooks.Verdict{}
	if err := a.parse(e); err != nil {
		verdict = hooks.Stop(hooks.AsError(err))
	} else {
		verdict = a.asks.handler.Handle(a.asks.ctx, e)
	}
	a.reply(&verdict)
}

// parse reads the message; nothing of it is decoded before a script touches it.
func (a *ask) parse(e *hooks.Event) error {
	if err := a.asks.conn.subjects.parseAsk(a.message.Subject, e); err != nil {
		return err
	}
	left := hooks.DefaultTimeout
	if a.message.Header != nil {
		if text := a.message.Header.Get(deadlineHeader); text != "" {
			ms, err := strconv.ParseUint(text, 10, 31)
			if err != nil || ms == 0 {
				return hooks.Errorf(hooks.CodeBadRequest, "%s %.40q is not a number of milliseconds", deadlineHeader, text)
			}
			left = time.Duration(ms) * time.Millisecond
		}
	}
	e.Deadline = a.received.Add(left)
	var err error
	e.Payload, err = hooks.ParsePayload(a.message.Data)
	return err
}

// reply sends the verdict, or why it cannot be sent.
func (a *ask) reply(v *hooks.Verdict) {
	conn := a.asks.conn
	a.buffer = v.AppendJSON(a.buffer[:0])
	if limit := conn.nc.MaxPayload(); int64(len(a.buffer)) > limit {
		text := fmt.Sprintf("the verdict has %d bytes, NATS takes %d", len(a.buffer), limit)
		short := hooks.Stop(hooks.Errorf(hooks.CodeHookError, "%s", text))
		a.buffer = short.AppendJSON(a.buffer[:0])
	}
	m := nats.Msg{Subject: a.message.Reply, Data: a.buffer}
	if v.Release != 0 {
		m.Header = nats.Header{releaseHeader: {strconv.FormatUint(v.Release, 10)}}
	}
	if err := conn.nc.PublishMsg(&m); err != nil {
		conn.log.Warn("a verdict could not be sent", "subject", a.message.Subject, "error", err)
	}
}

// maxKept is the largest buffer, in bytes, that is kept for the next ask.
const maxKept = 64 << 10

// finish gives the ask back.
func (a *ask) finish() {
	s := a.asks
	s.working.remove(a)
	a.message = nil
	if cap(a.buffer) > maxKept {
		a.buffer = nil
	}
	s.free.Put(a)
	s.pending.Done()
}
