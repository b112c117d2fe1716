package queue

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// scan calls f with each message of a stream that config selects, in their order, until f returns false or there is no
// further one, now or up to the sequence number last.
func (c *Conn) scan(
	ctx context.Context, stream string, config jetstream.OrderedConsumerConfig, last uint64,
	f func(jetstream.Msg, *jetstream.MsgMetadata) bool,
) error {
	consumer, err := c.js.OrderedConsumer(ctx, stream, config)
	if err != nil {
		return err
	}
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
