package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// StandIn answers for asks and events that a process had in hand when it died.
type StandIn struct {
	conn *Conn
	cell string // the subject of the process that runs one thing at a time
}

// NewStandIn returns one. cell names the process that serves [ServeAlone] for it.
func NewStandIn(conn *Conn, cell string) *StandIn { return &StandIn{conn, conn.subjects.cell(cell)} }

// Holds tells a gate that its ask, or its call, is not lost.
func (s *StandIn) Holds(t *hooks.Taken) error {
	asked := t.Kind == hooks.HeldAsk || t.Kind == hooks.HeldCall
	if !asked || t.Answer != nil || !strings.HasPrefix(t.Reply, inboxPrefix) {
		return nil
	}
	return s.conn.nc.Publish(t.Reply, []byte(stillWorking))
}

// Again has another worker answer an ask, or an event delivered again, with what is left of its time.
func (s *StandIn) Again(t *hooks.Taken) error { return s.pass(t, nil) }

// Crashed is Again for what has ended its process: the hook that did is not run again over it.
func (s *StandIn) Crashed(t *hooks.Taken, reason string) error {
	if t.Running == nil {
		return s.pass(t, nil)
	}
	return s.pass(t, CrashOf(t.Running, reason))
}

// CrashOf is a run that has ended its process.
func CrashOf(r *hooks.Running, reason string) *hooks.Crash {
	name := r.Name
	if r.Function != "" {
		name += "." + r.Function
	}
	return &hooks.Crash{Run: r.Run, Name: name, Started: r.Started, Reason: reason}
}

func (s *StandIn) pass(t *hooks.Taken, crash *hooks.Crash) error {
	switch {
	case t.Answer != nil:
		return s.conn.nc.Publish(t.Reply, t.Answer)
	case t.Kind == hooks.HeldEvent:
		return s.conn.nc.Publish(t.Reply, []byte("-NAK"))
	case t.Kind == hooks.HeldCall:
		return s.failed(t, crash)
	}
	m, fault := s.message(t, t.Subject)
	if fault != nil {
		return s.tell(t, fault)
	}
	if m == nil {
		return nil
	}
	if crash != nil {
		b, err := json.Marshal(crash)
		if err != nil {
			return fmt.Errorf("a crash: %w", err)
		}
		m.Header.Set(crashHeader, string(b))
	}
	return s.handOver(m)
}

const (
	// receivedHeader carries, with an ask that is handed over, where whoever has it says so.
	receivedHeader = "Gaff-Received"
	// handOverWithin is how long that may take, and handOvers how often it is tried.
	handOverWithin = 500 * time.Millisecond
	handOvers      = 4
)

// handOver publishes an ask until somebody has it: the server may not know yet that a process has died, and send it there.
func (s *StandIn) handOver(m *nats.Msg) error {
	inbox := s.conn.nc.NewRespInbox()
	received, err := s.conn.nc.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer func() { _ = received.Unsubscribe() }()
	m.Header.Set(receivedHeader, inbox)
	for range handOvers {
		if err := s.conn.nc.PublishMsg(m); err != nil {
			return err
		}
		if _, err := received.NextMsg(handOverWithin); !errors.Is(err, nats.ErrTimeout) {
			return err
		}
	}
	return nil // a gate that hears nothing of it asks again
}

// acknowledge tells who handed an ask over that it is here.
func (c *Conn) acknowledge(m *nats.Msg) {
	if inbox := m.Header.Get(receivedHeader); inbox != "" {
		if err := c.nc.Publish(inbox, nil); err != nil {
			c.log.Warn("an ask that was handed over cannot be acknowledged", "error", err)
		}
	}
}

// failed answers a method call, which is not made again.
func (s *StandIn) failed(t *hooks.Taken, crash *hooks.Crash) error {
	fault := unknown(hooks.Errorf(hooks.CodeHookCrashed, "the worker that had the call has died; it is not known whether it was carried out"))
	id := ""
	if crash != nil {
		fault = unknown(hooks.Errorf(hooks.CodeHookCrashed, "the script ended the process that ran it: %s", crash.Reason))
	}
	if t.Running != nil {
		id = t.Running.Event
	}
	data, err := failedReply(id, fault)
	if err != nil {
		return err
	}
	return s.conn.nc.Publish(t.Reply, data)
}

// message is the ask as it is sent again. It is nil if whoever asked asks again by itself.
func (s *StandIn) message(t *hooks.Taken, subject string) (*nats.Msg, *hooks.Error) {
	left := time.Until(t.Deadline)
	switch {
	case t.Lost && strings.HasPrefix(t.Reply, inboxPrefix):
		return nil, nil
	case t.Lost:
		return nil, hooks.Errorf(hooks.CodeUnavailable, "the worker that had the call has died; try again")
	case left < time.Millisecond:
		return nil, hooks.Errorf(hooks.CodeHookTimeout, "the hooks did not decide in time")
	}
	m := nats.NewMsg(subject)
	m.Reply, m.Data = t.Reply, t.Data
	if t.Running != nil {
		m.Data = withID(t.Data, t.Running.Event)
	}
	setTrace(m.Header, t.Trace)
	m.Header.Set(deadlineHeader, strconv.FormatInt(left.Milliseconds(), 10))
	return m, nil
}

// tell answers an ask with an error.
func (s *StandIn) tell(t *hooks.Taken, fault *hooks.Error) error {
	if t.Reply == "" {
		return nil
	}
	verdict := hooks.Stop(fault)
	return s.conn.nc.Publish(t.Reply, verdict.AppendJSON(nil))
}

// withID is a payload with the id that its event got, unless it has one: it stays the same event.
func withID(payload []byte, id string) []byte {
	root := gjson.ParseBytes(payload)
	switch {
	case id == "", len(payload) > 0 && !root.IsObject(), root.Get("id").Exists():
		return payload
	case len(payload) == 0:
		return (&hooks.Payload{ID: id}).AppendJSON(nil)
	}
	first := (&hooks.Payload{ID: id}).AppendJSON(nil)
	rest := strings.TrimSpace(root.Raw)[1:]
	if strings.TrimSpace(rest) != "}" {
		first[len(first)-1] = ','
		return append(first, rest...)
	}
	return first
}

// The headers of what is run alone.
const (
	subjectHeader = "Gaff-Subject" // on which it came
	doneHeader    = "Gaff-Done"    // who is told that it is over
)

// Alone has the process of the cell run an ask, and returns when it has, or when ctx ends.
func (s *StandIn) Alone(ctx context.Context, t *hooks.Taken) error {
	m, fault := s.message(t, s.cell)
	if fault != nil {
		return s.tell(t, fault)
	}
	if m == nil {
		return nil
	}
	done := s.conn.nc.NewRespInbox()
	over, err := s.conn.nc.SubscribeSync(done)
	if err != nil {
		return err
	}
	defer func() { _ = over.Unsubscribe() }()
	m.Header.Set(subjectHeader, t.Subject)
	m.Header.Set(doneHeader, done)
	if err := s.conn.nc.PublishMsg(m); err != nil {
		return err
	}
	_, err = over.NextMsgWithContext(ctx)
	return err
}
