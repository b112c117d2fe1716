package queue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// scanIdle is after what time the server removes a consumer that nobody reads any more.
const scanIdle = 30 * time.Second

// scan calls f with each message of a stream that config selects, in their order, until f returns false or there is no
// further one, now or up to the sequence number last.
func (c *Conn) scan(
	ctx context.Context, stream string, config jetstream.OrderedConsumerConfig, last uint64,
	f func(jetstream.Msg, *jetstream.MsgMetadata) bool,
) error {
	config.InactiveThreshold = scanIdle
	consumer, err := c.js.OrderedConsumer(ctx, stream, config)
	if err != nil {
		return err
	}
	defer func() { // it would stay for a while otherwise
		done, cancel := context.WithTimeout(context.WithoutCancel(ctx), ackTimeout)
		defer cancel()
		if err := c.js.DeleteConsumer(done, stream, consumer.CachedInfo().Name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			c.log.Debug("a consumer could not be removed", "stream", stream, "error", err)
		}
	}()
	if consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(logBatch), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
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
