package queue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// scanIdle is after what time the server removes a consumer that nobody reads any more.
const scanIdle = 30 * time.Second

// reader reads messages of a stream in their order.
type reader struct {
	jetstream.MessagesContext
	pending uint64 // messages there were when it began
	close   func()
}

// read begins to read what config selects of a stream, and has at most so many messages sent ahead. Whoever calls it closes
// the reader.
func (c *Conn) read(ctx context.Context, stream string, config jetstream.OrderedConsumerConfig, ahead int) (*reader, error) {
	config.InactiveThreshold = scanIdle
	consumer, err := c.js.OrderedConsumer(ctx, stream, config)
	if err != nil {
		return nil, err
	}
	remove := func() { // it would stay for a while otherwise, and a stream has room for so many
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
		defer cancel()
		if err := c.js.DeleteConsumer(done, stream, consumer.CachedInfo().Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			c.log.Debug("a consumer could not be removed", "stream", stream, "error", err)
		}
	}
	pending := consumer.CachedInfo().NumPending
	messages, err := consumer.Messages(jetstream.PullMaxMessages(ahead), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		remove()
		return nil, err
	}
	return &reader{messages, pending, func() { messages.Stop(); remove() }}, nil
}

// scan calls f with each message of a stream that config selects, in their order, until f returns false or there is no
// further one, now or up to the sequence number last.
func (c *Conn) scan(
	ctx context.Context, stream string, config jetstream.OrderedConsumerConfig, last uint64,
	f func(jetstream.Msg, *jetstream.MsgMetadata) bool,
) error {
	r, err := c.read(ctx, stream, config, logBatch)
	if err != nil {
		return err
	}
	defer r.close()
	if r.pending == 0 {
		return nil
	}
	for {
		m, err := r.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Stream > last || !f(m, meta) || meta.NumPending == 0 || meta.Sequence.Stream == last {
			return nil
		}
	}
}
