package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"gaff/hooks"
)

// ConsumeOptions says how events are worked off. The zero value is good.
type ConsumeOptions struct {
	// Concurrency is how many hooks of events this process runs at once, not counting those of ordered hooks and those that
	// are tried again, which may be as many each; default 64.
	Concurrency int
	// AckWait is after what time without a sign of life an event is given to another worker; default 30 s. All workers
	// under one prefix must have the same.
	AckWait time.Duration
	// StopWithin bounds how long Consume waits for running hooks once its context has ended; default 20 s.
	StopWithin time.Duration
	// Watch is told of what is in hand; may be nil.
	Watch hooks.Watch
	// Apps are those whose scripts run here. What there is to do for others is left to who runs theirs.
	Apps hooks.Apps
	// Latest brings the reactor's tables up to date for an event that no hook is for, in case its publisher knows more; may
	// be nil.
	Latest *Latest
}

const (
	defaultConcurrency = 64
	defaultAckWait     = 30 * time.Second
	heartbeat          = 5 * time.Second
	// roomPerRun is how many messages are in hand for each hook that may run: most of them wait for their records. More
	// are not worked off faster, and asks wait behind them on the connection.
	roomPerRun = 4
	// maxAckPending bounds what all workers together have in hand, in events.
	maxAckPending = 20_000
)

func (o ConsumeOptions) complete() ConsumeOptions {
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	o.AckWait = cmp.Or(o.AckWait, defaultAckWait)
	o.StopWithin = cmp.Or(o.StopWithin, stopTimeout)
	return o
}

// Reactor runs the hooks of events, one by one. It must be safe for concurrent use.
type Reactor interface {
	// Plan returns the release that an event belongs to, nil if its app has none, and the hooks that it starts.
	Plan(e *hooks.Event) (*hooks.Table, []*hooks.Match)
	// React runs one of them, without recording it. The error OVERLOADED of a hook that was not run means that there is no
	// room for it at the moment.
	React(ctx context.Context, e *hooks.Event, t *hooks.Table, m *hooks.Match) hooks.Reaction
	// All returns the current release of each app.
	All() map[string]*hooks.Table
}

// consuming is what works events off.
type consuming struct {
	conn     *Conn
	reactor  Reactor
	log      *Log
	done     *done
	alerts   alerts
	lanes    *lanes
	unserved unserved
	options  ConsumeOptions
	taken    chan struct{} // by its hands
}

// Consume works events off until ctx ends, sharing them with every other process that consumes under the same prefix. Each
// hook that an event starts runs by itself, and has its record in the log before the event is acknowledged. One that fails
// is published as work to be tried again, as its schedule says, and at last as a dead letter, also before that; so its
// neighbours do not run again. Nor does what has its record when an event is delivered again, because its worker died or
// its acknowledgement was lost. Events of ordered hooks are worked off by the worker that has their part, one after the
// other.
//
// When ctx ends no further events come in, running hooks may end within StopWithin, then their context is cancelled and
// their events go to another worker.
func Consume(ctx context.Context, conn *Conn, reactor Reactor, log *Log, options ConsumeOptions) error {
	c := &consuming{conn: conn, reactor: reactor, log: log, done: newDone(conn), options: options.complete(), taken: make(chan struct{}, 1)}
	c.unserved.apps = map[string]time.Time{}
	defer c.done.close()
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ctx, end := context.WithCancel(ctx)
	defer end()
	c.lanes = newLanes(runs, c)
	events, err := c.hands(ctx, runs, kindEvent, conn.eventConsumer(c.options.AckWait))
	if err != nil {
		return begun(ctx, "consume events", err)
	}
	events.parse = func(d *delivery) error { return d.parseEvent(conn.subjects) }
	events.handle, events.wait = c.event, c.waitEvent
	work, err := c.hands(ctx, runs, kindWork, conn.workConsumer(c.options.AckWait))
	if err != nil {
		return begun(ctx, "consume work", err)
	}
	work.parse, work.handle, work.wait = (*delivery).parseWork, c.work, c.waitWork
	var failed error
	for _, h := range []*hands{events, work} {
		if err := h.start(ctx, c.options.Concurrency, roomPerRun*c.options.Concurrency); err != nil {
			failed = errors.Join(failed, fmt.Errorf("consume %s: %w", h.what, err))
			end()
		}
	}
	var beside errgroup.Group
	beside.Go(func() error { return c.lanes.run(ctx) })
	beside.Go(func() error { c.release(ctx); return nil })
	beside.Go(func() error { c.keepThrottled(ctx, events, work); return nil })
	<-ctx.Done()
	return errors.Join(failed, c.stop(events, work, cancel), beside.Wait())
}

// begun is the error of something that could not begin; none if it was stopped before it had.
func begun(ctx context.Context, what string, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (c *consuming) hands(ctx, runs context.Context, kind string, config consumerConfig) (*hands, error) {
	consumer, err := c.conn.consumer(ctx, config)
	if err != nil {
		return nil, err
	}
	h := &hands{
		conn: c.conn, what: whatOf(kind), consumer: consumer, runs: runs, watch: c.options.Watch, keep: c.options.AckWait / 3,
		apps: c.options.Apps, subs: c.conn.newSubscriptions(), taken: c.taken,
	}
	h.own = c.conn.newOwn(h.apps, kind, h.subs, h.receive)
	return h, nil
}

func whatOf(kind string) string {
	if kind == kindEvent {
		return "events"
	}
	return "work"
}

// stop lets what is in hand end.
func (c *consuming) stop(events, work *hands, cancel context.CancelFunc) error {
	limit := c.options.StopWithin
	if !c.conn.nc.IsConnected() {
		limit = min(limit, cancelTimeout) // nobody would hear how they ended
	}
	within, release := context.WithTimeout(context.Background(), limit)
	defer release()
	var err error
	all := []*hands{events, work}
	for _, h := range all {
		h.rest(within)
	}
	c.lanes.rest(within)
	cancel()
	last, release := context.WithTimeout(context.Background(), cancelTimeout)
	defer release()
	for _, h := range all {
		if !h.rested(last) {
			if !c.conn.nc.IsConnected() {
				continue // what waits for its record comes again
			}
			err = fmt.Errorf("consume %s: hooks did not end within %v", h.what, c.options.StopWithin)
			continue
		}
		h.workers.Wait()
		h.keeper.Wait()
	}
	c.conn.flush()
	return err
}

// consumerConfig is a consumer that all workers share.
type consumerConfig struct {
	stream string
	config jetstream.ConsumerConfig
}

func (c *Conn) eventConsumer(ackWait time.Duration) consumerConfig {
	return consumerConfig{c.eventStream(), jetstream.ConsumerConfig{
		Durable:       c.config.Prefix + "-workers",
		Description:   "workers, who run the hooks of events",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
		Replicas:      c.config.Replicas,
	}}
}

// workConsumer may have any number of items in hand: most wait for the time of their next attempt.
func (c *Conn) workConsumer(ackWait time.Duration) consumerConfig {
	return consumerConfig{c.workStream(), jetstream.ConsumerConfig{
		Durable:       c.config.Prefix + "-work",
		Description:   "workers, who try hooks again",
		FilterSubject: c.config.Prefix + ".work.>",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxDeliver:    -1,
		MaxAckPending: -1,
		Replicas:      c.config.Replicas,
	}}
}

// consumer makes sure of a consumer.
func (c *Conn) consumer(ctx context.Context, config consumerConfig) (jetstream.Consumer, error) {
	var consumer jetstream.Consumer
	err := insist(ctx, func() (err error) {
		consumer, err = c.js.CreateOrUpdateConsumer(ctx, config.stream, config.config)
		return err
	})
	return consumer, err
}
