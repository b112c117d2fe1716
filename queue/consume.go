package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// ConsumeOptions says how events are worked off. The zero value is good.
type ConsumeOptions struct {
	// Concurrency is how many events this process handles at once; default 64.
	Concurrency int
	// AckWait is after what time without a sign of life an event is given to another worker; default 30 s. All workers
	// under one prefix must have the same.
	AckWait time.Duration
	// StopWithin bounds how long Consume waits for running handlers once its context has ended; default 20 s.
	StopWithin time.Duration
	// Watch is told of what is in hand; may be nil.
	Watch hooks.Watch
}

const (
	defaultConcurrency = 64
	defaultAckWait     = 30 * time.Second
	heartbeat          = 5 * time.Second
	// maxDeliver bounds how often an event is given to a worker, so that one that kills workers cannot do so for ever.
	maxDeliver = 50
	// maxAckPending bounds what all workers together have in hand, in events.
	maxAckPending = 20_000
)

func (o ConsumeOptions) complete() ConsumeOptions {
	o.Concurrency = cmp.Or(o.Concurrency, defaultConcurrency)
	o.AckWait = cmp.Or(o.AckWait, defaultAckWait)
	o.StopWithin = cmp.Or(o.StopWithin, stopTimeout)
	return o
}

// Consume hands events from the stream to the handler until ctx ends, sharing them with every other process that
// consumes under the same prefix. An event is acknowledged when the handler returns, whatever its verdict, except
// OVERLOADED: then, and when the handler panics, it comes again later. When ctx ends no further events come in, running
// handlers may end within StopWithin, then their context is cancelled and their events go to another worker.
func Consume(ctx context.Context, conn *Conn, handler hooks.Handler, options ConsumeOptions) error {
	o := options.complete()
	consumer, err := conn.consumer(ctx, o.AckWait)
	if err != nil {
		return fmt.Errorf("consume events: %w", err)
	}
	runs, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	w := &deliveries{conn: conn, handler: handler, watch: o.Watch, ctx: runs, handed: make(chan *delivery), hands: map[*delivery]struct{}{}}
	for range o.Concurrency {
		w.workers.Go(w.work)
	}
	w.keeper.Go(func() { w.keep(runs, o.AckWait/3) })
	defer w.keeper.Wait()
	defer cancel()
	consuming, err := consumer.Consume(w.accept, jetstream.PullMaxMessages(2*o.Concurrency), jetstream.PullHeartbeat(heartbeat),
		jetstream.ConsumeErrHandler(w.warn))
	if err != nil {
		close(w.handed)
		return fmt.Errorf("consume events: %w", err)
	}
	select {
	case <-ctx.Done():
	case <-consuming.Closed():
		err = errors.New("consume events: the consumer or the connection is gone")
	}
	return errors.Join(err, w.stop(consuming, o.StopWithin, cancel))
}

// consumer makes sure of the one that all workers share.
func (c *Conn) consumer(ctx context.Context, ackWait time.Duration) (jetstream.Consumer, error) {
	var consumer jetstream.Consumer
	err := insist(ctx, func() error {
		var err error
		consumer, err = c.js.CreateOrUpdateConsumer(ctx, c.eventStream(), jetstream.ConsumerConfig{
			Durable:       c.config.Prefix + "-workers",
			Description:   "workers, who run the hooks of events",
			AckPolicy:     jetstream.AckExplicitPolicy,
			BackOff:       []time.Duration{ackWait, ackWait, 2 * ackWait, 4 * ackWait, 10 * ackWait},
			MaxDeliver:    maxDeliver,
			MaxAckPending: maxAckPending,
			Replicas:      c.config.Replicas,
		})
		return err
	})
	return consumer, err
}

// stop lets what is in hand end. Nothing more is delivered; what was and has no worker yet is given back.
func (w *deliveries) stop(consuming jetstream.ConsumeContext, within time.Duration, cancel context.CancelFunc) error {
	w.stopping.Store(true)
	if w.conn.nc.IsConnected() {
		consuming.Drain()
	} else {
		consuming.Stop()
	}
	deadline := time.AfterFunc(within, cancel)
	defer deadline.Stop()
	done := make(chan struct{})
	go func() {
		<-consuming.Closed()
		close(w.handed)
		w.workers.Wait()
		close(done)
	}()
	last := time.NewTimer(within + cancelTimeout)
	defer last.Stop()
	select {
	case <-done:
	case <-last.C:
		return fmt.Errorf("consume events: handlers did not end within %v", within)
	}
	w.conn.flush()
	return nil
}
