package queue

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// deliveries hands events over to a fixed number of goroutines.
type deliveries struct {
	conn     *Conn
	handler  hooks.Handler
	watch    hooks.Watch     // may be nil
	ctx      context.Context // of the handlers
	handed   chan *delivery
	workers  sync.WaitGroup
	keeper   sync.WaitGroup
	stopping atomic.Bool

	mu    sync.Mutex
	hands map[*delivery]struct{} // what is in hand
}

// delivery is one event, delivered to this process.
type delivery struct {
	message jetstream.Msg
	event   hooks.Event
	slot    hooks.Slot // nil if nobody watches
}

// accept is the consumer's callback. It waits while every worker is busy; then no more is pulled.
func (w *deliveries) accept(m jetstream.Msg) {
	if w.stopping.Load() {
		w.settle(m, m.Nak())
		return
	}
	d := &delivery{message: m}
	if err := d.parse(w.conn.subjects); err != nil {
		w.conn.log.Error("an event cannot be read and is given up", "subject", m.Subject(), "error", err)
		w.settle(m, m.TermWithReason("unreadable"))
		return
	}
	if !w.hold(d) {
		w.settle(m, m.NakWithDelay(firstAgain))
		return
	}
	w.mu.Lock()
	w.hands[d] = struct{}{}
	w.mu.Unlock()
	w.handed <- d
}

// hold notes that the event is in hand, for who gives it back if this process dies; false: there is no room.
func (w *deliveries) hold(d *delivery) bool {
	if w.watch == nil {
		return true
	}
	d.slot = w.watch.Hold(&hooks.Held{
		Kind: hooks.HeldEvent, App: d.event.App, Subject: d.message.Subject(), Reply: d.message.Reply(), Data: d.message.Data(),
	})
	d.event.Slot = d.slot
	return d.slot != nil
}

func (d *delivery) parse(s subjects) error {
	if err := s.parseEvent(d.message.Subject(), &d.event); err != nil {
		return err
	}
	meta, err := d.message.Metadata()
	if err != nil {
		return err
	}
	d.event.Attempt = int(meta.NumDelivered)
	d.event.Payload, err = hooks.ParsePayload(d.message.Data())
	return err
}

func (w *deliveries) work() {
	for d := range w.handed {
		err := w.handle(d)
		w.mu.Lock()
		delete(w.hands, d)
		w.mu.Unlock()
		w.settle(d.message, err)
		if d.slot != nil {
			d.slot.Done()
		}
	}
}

const (
	firstAgain = 100 * time.Millisecond
	maxAgain   = time.Minute
)

// handle runs the hooks and tells the stream what has become of the event.
func (w *deliveries) handle(d *delivery) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.conn.log.Error("panic in a run", "subject", d.message.Subject(), "panic", p, "stack", string(debug.Stack()))
			err = d.message.NakWithDelay(maxAgain)
		}
	}()
	verdict := w.handler.Handle(w.ctx, &d.event)
	switch {
	case w.ctx.Err() != nil:
		return d.message.Nak()
	case verdict.Error != nil && verdict.Error.Code == hooks.CodeOverloaded:
		return d.message.NakWithDelay(min(firstAgain<<min(d.event.Attempt, 10), maxAgain))
	}
	return d.message.Ack()
}

// settle notes that the stream could not be told; then it will deliver the event again.
func (w *deliveries) settle(m jetstream.Msg, err error) {
	if err != nil {
		w.conn.log.Warn("an event could not be acknowledged", "subject", m.Subject(), "error", err)
	}
}

// keep tells the stream of what is in hand, so that it is not given to another.
func (w *deliveries) keep(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, d := range w.inHand() {
			if err := d.message.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
				w.conn.log.Warn("an event in hand could not be kept", "subject", d.message.Subject(), "error", err)
			}
		}
	}
}

func (w *deliveries) inHand() []*delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]*delivery, 0, len(w.hands))
	for d := range w.hands {
		all = append(all, d)
	}
	return all
}

// warn is told of what the consumer overcomes by itself.
func (w *deliveries) warn(_ jetstream.ConsumeContext, err error) {
	if !w.stopping.Load() {
		w.conn.log.Warn("events", "error", err)
	}
}
