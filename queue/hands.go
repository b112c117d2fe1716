package queue

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// fetchWait is how long one request for messages stands.
	fetchWait = 5 * time.Second
	// fetchMost bounds what one request asks for, in messages.
	fetchMost = 256
	// fetchers is how many requests stand at once, so that one can be filled while another is made.
	fetchers = 2
	// fetchAgain is after what time a request that failed is made again.
	fetchAgain = 250 * time.Millisecond
	// maxAgain is after what time what made a handler panic comes again.
	maxAgain = time.Minute
)

// hands takes messages from a consumer, as many as it has room for, and hands them over to a fixed number of goroutines.
// While a message is in hand the stream is told so, and does not give it to another.
type hands struct {
	conn     *Conn
	what     string // events or work, for the log
	consumer jetstream.Consumer
	parse    func(*delivery) error
	handle   func(context.Context, *delivery)
	wait     func(context.Context, *delivery) // instead, for what nobody serves
	watch    hooks.Watch                      // may be nil
	keep     time.Duration                    // how often the stream is told of what is in hand
	apps     hooks.Apps                       // whose scripts run here
	own      *own                             // hands on, and takes, what is another's
	subs     *subscriptions
	taken    chan<- struct{} // is told when there is something in hand; has room for one

	runs     context.Context // of the handlers
	throttle *throttle
	room     chan struct{} // one for each message in hand that was fetched
	guests   chan struct{} // likewise, that another process has handed on
	handed   chan *delivery
	workers  sync.WaitGroup
	fetching sync.WaitGroup
	keeper   sync.WaitGroup
	stopping atomic.Bool
	doubt    doubt

	mu    sync.Mutex
	held  map[*delivery]struct{}
	empty chan struct{} // closed once nothing is in hand and hands are stopping
}

// start takes messages until ctx ends.
func (h *hands) start(ctx context.Context, concurrency, room int) error {
	h.room, h.handed = make(chan struct{}, room), make(chan *delivery)
	h.guests = make(chan struct{}, room)
	h.held, h.empty = map[*delivery]struct{}{}, make(chan struct{})
	h.throttle = newThrottle(concurrency)
	for i := range concurrency {
		h.workers.Go(func() { h.work(i) })
	}
	h.keeper.Go(h.keepAll)
	for range fetchers {
		h.fetching.Go(func() { h.fetch(ctx) })
	}
	return h.own.open()
}

// fetch asks for messages, one request after the other.
func (h *hands) fetch(ctx context.Context) {
	for ctx.Err() == nil {
		n := h.reserve(ctx)
		if n == 0 {
			return
		}
		got, err := h.request(ctx, n)
		h.free(n - got)
		if err != nil && ctx.Err() == nil {
			h.conn.log.Warn(h.what+" cannot be fetched; trying again", "error", err)
			pause(ctx, fetchAgain)
		}
	}
}

// reserve waits for room and takes as much as there is.
func (h *hands) reserve(ctx context.Context) (n int) {
	select {
	case h.room <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n = 1; n < fetchMost; n++ {
		select {
		case h.room <- struct{}{}:
		default:
			return n
		}
	}
	return n
}

func (h *hands) free(n int) {
	for range n {
		<-h.room
	}
}

// request asks for n messages once, and returns how many came. A connection that is lost meanwhile ends the request.
func (h *hands) request(ctx context.Context, n int) (got int, err error) {
	if !h.conn.nc.IsConnected() {
		pause(ctx, fetchAgain)
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	defer h.conn.onReconnect(cancel)()
	if err := h.doubt.check(ctx, h.consumer, h.conn); err != nil {
		return 0, err
	}
	batch, err := h.consumer.Fetch(n, jetstream.FetchContext(ctx))
	if err != nil {
		return 0, err
	}
	for m := range batch.Messages() {
		got++
		h.accept(ctx, m)
	}
	err = batch.Error()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, nats.ErrTimeout) {
		err = nil
	}
	return got, err
}

func (h *hands) accept(ctx context.Context, m jetstream.Msg) {
	d := &delivery{message: m, arrived: time.Now(), room: h.room}
	if h.take(d) && !h.pass(ctx, d) {
		h.handed <- d
	}
}

// take notes that a message is in hand. It returns false if it cannot be read.
func (h *hands) take(d *delivery) bool {
	d.then = func() { h.settle(d) }
	d.begin()
	h.mu.Lock()
	h.held[d] = struct{}{}
	if len(h.held) == 1 {
		signal(h.taken)
	}
	h.mu.Unlock()
	if err := h.read(d); err != nil {
		h.conn.log.Error("a message cannot be read and is given up", "subject", d.message.Subject(), "error", err)
		d.then = func() { h.leave(d, d.message.TermWithReason("unreadable")) }
		d.end()
		return false
	}
	return true
}

// busy reports whether anything is in hand.
func (h *hands) busy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held) > 0
}

func (h *hands) read(d *delivery) (err error) {
	if d.meta, err = d.message.Metadata(); err != nil {
		return err
	}
	d.old, d.since = h.doubt.about(d.meta.Sequence.Stream)
	if d.room == h.guests && !h.doubt.current(h.conn) {
		d.old, d.since = true, d.arrived
	}
	if d.repeated() {
		d.since = d.arrived
	}
	return h.parse(d)
}

// work is a handler.
func (h *hands) work(number int) {
	for {
		h.throttle.enter(number)
		d, ok := <-h.handed
		if !ok {
			h.throttle.leave()
			return
		}
		d.throttled = true
		h.one(d)
	}
}

func (h *hands) one(d *delivery) {
	defer d.end()
	defer func() {
		if p := recover(); p != nil {
			h.conn.log.Error("panic in a run", "subject", d.message.Subject(), "panic", p, "stack", string(debug.Stack()))
			d.comeAgain(maxAgain)
		}
	}()
	if h.runs.Err() != nil || h.stopping.Load() {
		d.comeAgain(0)
		return
	}
	if d.unserved {
		h.wait(h.runs, d)
		return
	}
	if !h.hold(d) {
		d.comeAgain(0)
		return
	}
	h.handle(h.runs, d)
}

// hold notes that the event is in hand, for who gives it back if this process dies, as soon as there is room to. It
// returns false if the handlers' context ends before.
func (h *hands) hold(d *delivery) bool {
	for h.watch != nil && d.event.Slot == nil {
		d.event.Slot = h.watch.Hold(&hooks.Held{
			Kind: hooks.HeldEvent, App: d.event.App, Subject: d.message.Subject(), Reply: d.message.Reply(), Data: d.message.Data(),
		})
		if d.event.Slot == nil && !pause(h.runs, overloadedAgain) {
			return false
		}
	}
	return true
}

// settle tells the stream what has become of a message.
func (h *hands) settle(d *delivery) { h.leave(d, d.tell()) }

// leave lets go of a message. If the stream could not be told of it, it will deliver it again.
func (h *hands) leave(d *delivery, err error) {
	if err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
		h.conn.log.Warn("a message could not be acknowledged", "subject", d.message.Subject(), "error", err)
	}
	if d.event != nil && d.event.Slot != nil {
		d.event.Slot.Done(nil)
	}
	if d.throttled {
		h.throttle.leave()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.held, d)
	<-d.room
	h.tellEmpty()
}

func (h *hands) tellEmpty() {
	if len(h.held) == 0 && h.stopping.Load() {
		select {
		case <-h.empty:
		default:
			close(h.empty)
		}
	}
}

// keepAll tells the stream of what is in hand for long, until the handlers' context ends.
func (h *hands) keepAll() {
	tick := time.NewTicker(h.keep)
	defer tick.Stop()
	for {
		select {
		case <-h.runs.Done():
			return
		case <-tick.C:
		}
		for _, d := range h.inHand() {
			if time.Since(d.arrived) < h.keep/2 {
				continue
			}
			if err := d.message.InProgress(); err != nil && !errors.Is(err, jetstream.ErrMsgAlreadyAckd) {
				h.conn.log.Warn("a message in hand could not be kept", "subject", d.message.Subject(), "error", err)
			}
		}
	}
}

func (h *hands) inHand() []*delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*delivery, 0, len(h.held))
	for d := range h.held {
		all = append(all, d)
	}
	return all
}

// rest ends what start began: nothing more is taken, what waits for a goroutine comes again elsewhere, and what runs may
// end until ctx does. It reports whether nothing is left in hand.
func (h *hands) rest(ctx context.Context) bool {
	h.mu.Lock()
	h.stopping.Store(true)
	h.tellEmpty()
	h.mu.Unlock()
	h.throttle.end()
	if err := h.subs.end(); err != nil {
		h.conn.log.Warn(h.what+" of other processes may still come in", "error", err)
	} else {
		<-h.subs.ended
	}
	h.fetching.Wait()
	h.own.wait()
	close(h.handed)
	h.mu.Lock()
	h.tellEmpty()
	h.mu.Unlock()
	select {
	case <-h.empty:
		return true
	case <-ctx.Done():
		return false
	}
}

// rested reports, once ctx ends at the latest, whether nothing is left in hand.
func (h *hands) rested(ctx context.Context) bool {
	select {
	case <-h.empty:
		return true
	case <-ctx.Done():
		return false
	}
}
