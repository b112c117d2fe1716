package queue

import (
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// tally holds back what is to be done until everything that it waits for is over.
type tally struct {
	open atomic.Int32
	then func()
}

// begin counts one thing to wait for; the function that it returns says that it is over.
func (t *tally) begin() { t.open.Add(1) }

func (t *tally) end() {
	if t.open.Add(-1) == 0 {
		t.then()
	}
}

// delivery is one message that was delivered to this process. The stream is told what has become of it once it was
// handled and the records that it left are kept.
type delivery struct {
	tally
	message   jetstream.Msg
	meta      *jetstream.MsgMetadata
	event     *hooks.Event
	work      *hooks.Work // of a message of the work stream
	arrived   time.Time
	room      chan struct{} // has a place of it
	unserved  bool          // it is of an app that nobody serves
	old       bool          // the server may have forgotten that it was worked off
	since     time.Time     // what was told until then of its runs has to be known
	throttled bool          // a handler has it
	again     bool          // it is to come again,
	after     time.Duration // not before so long
}

// repeated reports whether the delivery is not the first of its message.
func (d *delivery) repeated() bool { return d.meta.NumDelivered > 1 }

// doubtful reports whether the message may have been worked off before.
func (d *delivery) doubtful() bool { return d.old || d.repeated() }

// comeAgain has the stream deliver the message again.
func (d *delivery) comeAgain(after time.Duration) { d.again, d.after = true, after }

// tell tells the stream.
func (d *delivery) tell() error {
	switch {
	case !d.again:
		return d.message.Ack()
	case d.after > 0:
		return d.message.NakWithDelay(d.after)
	}
	return d.message.Nak()
}

// parseEvent reads a message of the event stream.
func (d *delivery) parseEvent(s subjects) error {
	e := &hooks.Event{Attempt: 1, Trace: readTrace(d.message.Headers())}
	if err := s.parseEvent(d.message.Subject(), e); err != nil {
		return err
	}
	payload, err := hooks.ParsePayload(d.message.Data())
	if err != nil {
		return err
	}
	if e.Payload = payload; e.ID == "" {
		e.ID = taskID(d.meta, "", "")
	}
	d.event = e
	return nil
}
