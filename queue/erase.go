package queue

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// erase removes a key from a bucket without a trace, unlike deleting it, of which the bucket keeps a note.
func (c *Conn) erase(ctx context.Context, kv jetstream.KeyValue, key string) error {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	stream, err := c.js.Stream(ctx, "KV_"+kv.Bucket())
	if err != nil {
		return err
	}
	return stream.Purge(ctx, jetstream.WithPurgeSubject("$KV."+kv.Bucket()+"."+key))
}
