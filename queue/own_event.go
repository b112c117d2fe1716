package queue

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// ackPrefix begins the subjects on which messages of streams are acknowledged.
	ackPrefix = "$JS.ACK."
	// ackHeader has that of a message that is handed on: servers take none as a reply subject.
	ackHeader = "Gaff-Ack"
	// storedHeader marks a message whose data is not with it, but in its stream.
	storedHeader = "Gaff-Stored"
	// fullAgain is after what time a message comes again that found no room where it was handed on to.
	fullAgain = time.Second
	// unservedAgain is after what time a message comes again whose app nobody serves.
	unservedAgain = time.Second
	// unservedTries is how often an event does, before it is put where it holds nobody up.
	unservedTries = 5
)

// pass hands a message on whose app other processes serve. The stream is told by who has it then what becomes of it, and
// gives it again if nobody does. It returns false if the message stays here.
func (h *hands) pass(ctx context.Context, d *delivery) bool {
	app := d.event.App
	if h.apps.Serves(app) || d.work != nil && time.Until(d.work.Due) > dueSlack {
		return false
	}
	to := h.own.serves(ctx, app)
	if to == "" {
		d.unserved = true
		return false
	}
	header := maps.Clone(d.message.Headers())
	if header == nil {
		header = nats.Header{}
	}
	header.Set(ackHeader, d.message.Reply())
	m := &nats.Msg{Subject: d.message.Subject(), Data: d.message.Data(), Header: header}
	err := h.own.forward(to, m)
	if errors.Is(err, nats.ErrMaxPayload) { // with one header more
		m.Data = nil
		header.Set(storedHeader, "1")
		err = h.own.forward(to, m)
	}
	d.then = func() { h.leave(d, err) }
	d.end()
	return true
}

// receive takes a message that another process has handed on, if there is room for it.
func (h *hands) receive(m *nats.Msg) {
	m.Reply = m.Header.Get(ackHeader)
	m.Header.Del(ackHeader)
	if !strings.HasPrefix(m.Reply, ackPrefix) {
		h.conn.log.Warn("a message that is of no stream was dropped", "subject", m.Subject)
		return
	}
	if err := h.complete(m); err != nil {
		h.conn.log.Warn("a message that was handed on without its data is left; it comes again", "subject", m.Subject, "error", err)
		return
	}
	d := &delivery{message: guest{m}, arrived: time.Now(), room: h.guests}
	select {
	case h.guests <- struct{}{}:
	default:
		if err := d.message.NakWithDelay(fullAgain); err != nil {
			h.conn.log.Warn("a message could not be given back", "subject", m.Subject, "error", err)
		}
		return
	}
	if !h.take(d) {
		return
	}
	h.fetching.Go(func() {
		if !h.pass(h.runs, d) {
			h.handed <- d
		}
	})
}

// complete gets the data of a message that was too large to be handed on.
func (h *hands) complete(m *nats.Msg) error {
	if m.Header.Get(storedHeader) == "" {
		return nil
	}
	m.Header.Del(storedHeader)
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(h.runs, ackTimeout)
	defer cancel()
	stream, err := h.conn.js.Stream(ctx, meta.Stream)
	if err != nil {
		return err
	}
	stored, err := stream.GetMsg(ctx, meta.Sequence.Stream)
	if err != nil {
		return err
	}
	m.Data = stored.Data
	return nil
}

// guest is a message of a stream that has come by way of another process.
type guest struct{ m *nats.Msg }

var _ jetstream.Msg = guest{}

// Metadata implements [jetstream.Msg], as all of its methods do.
func (g guest) Metadata() (*jetstream.MsgMetadata, error) {
	meta, err := g.m.Metadata()
	if err != nil {
		return nil, err
	}
	return &jetstream.MsgMetadata{
		Sequence:     jetstream.SequencePair{Consumer: meta.Sequence.Consumer, Stream: meta.Sequence.Stream},
		NumDelivered: meta.NumDelivered, NumPending: meta.NumPending, Timestamp: meta.Timestamp,
		Stream: meta.Stream, Consumer: meta.Consumer, Domain: meta.Domain,
	}, nil
}

func (g guest) Data() []byte         { return g.m.Data }
func (g guest) Headers() nats.Header { return g.m.Header }
func (g guest) Subject() string      { return g.m.Subject }
func (g guest) Reply() string        { return g.m.Reply }
func (g guest) Ack() error           { return acked(g.m.Ack()) }
func (g guest) Nak() error           { return acked(g.m.Nak()) }
func (g guest) InProgress() error    { return acked(g.m.InProgress()) }
func (g guest) Term() error          { return acked(g.m.Term()) }

func (g guest) DoubleAck(ctx context.Context) error { return acked(g.m.AckSync(nats.Context(ctx))) }

func (g guest) NakWithDelay(after time.Duration) error { return acked(g.m.NakWithDelay(after)) }

// TermWithReason loses the reason, which the log has.
func (g guest) TermWithReason(string) error { return acked(g.m.Term()) }

func acked(err error) error {
	if errors.Is(err, nats.ErrMsgAlreadyAckd) {
		return jetstream.ErrMsgAlreadyAckd
	}
	return err
}

// unserved remembers for which apps it was made sure that what waits for somebody to serve them is looked for then.
type unserved struct {
	mu   sync.Mutex
	apps map[string]time.Time
}

// waitEvent keeps an event whose app nobody serves: after a while where those of apps that are paused wait, so that however
// many there are, others are not held up.
func (c *consuming) waitEvent(ctx context.Context, d *delivery) {
	t, matches, ok := c.plan(ctx, d)
	switch {
	case !ok, t == nil:
	case d.meta.NumDelivered < unservedTries && !t.State.Paused:
		d.comeAgain(unservedAgain)
	case !c.insist(ctx, func() error { return c.announce(ctx, d.event.App) }):
		d.comeAgain(0)
	default:
		c.hold(ctx, d, matches)
	}
}

// announce has those who will serve an app look for events that wait.
func (c *consuming) announce(ctx context.Context, app string) error {
	c.unserved.mu.Lock()
	defer c.unserved.mu.Unlock()
	if time.Since(c.unserved.apps[app]) < unservedAgain { // nobody was there then, either, who could have stopped to look
		return nil
	}
	releases := NewReleases(c.conn)
	s, _, err := releases.State(ctx, app)
	if err == nil && !s.Held {
		_, err = releases.SetState(ctx, app, 0, func(s *hooks.State) error { s.Held = true; return nil })
	}
	if err == nil {
		c.unserved.apps[app] = time.Now()
	}
	return err
}

// waitWork keeps work whose app nobody serves.
func (c *consuming) waitWork(_ context.Context, d *delivery) {
	d.comeAgain(waitLook/3 + rand.N(waitLook/12))
}
