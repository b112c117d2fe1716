package store

import (
	"context"
	"fmt"
	"time"

	"gaff/hooks"
)

// maxTaken is from how many bytes on no more events are taken at once: they are held in memory, and some have megabytes.
const maxTaken = 16 << 20

// forgetTimeout bounds how long published events may take to be forgotten once their caller is gone.
const forgetTimeout = 5 * time.Second

// remembered are events of the outbox with their sequence numbers.
type remembered struct {
	seqs   []int64
	events []*hooks.Event
	bytes  int // of their payloads
}

// more reports whether there may be more events than these, of which there can be n.
func (r *remembered) more(n int) bool { return len(r.events) == n || r.bytes >= maxTaken }

func (r *remembered) add(seq int64, e hooks.Event, payload []byte) error {
	p, err := hooks.ParsePayload(payload)
	if err != nil {
		return fmt.Errorf("event %d of the outbox: %w", seq, err)
	}
	e.Payload = p
	r.bytes += len(payload)
	r.seqs, r.events = append(r.seqs, seq), append(r.events, &e)
	return nil
}

// publish returns the sequence numbers of the events that were published.
func (r *remembered) publish(ctx context.Context, publish func(context.Context, []*hooks.Event) []error) []int64 {
	var done []int64
	for i, err := range publish(ctx, r.events) {
		if err == nil && i < len(r.seqs) {
			done = append(done, r.seqs[i])
		}
	}
	return done
}

// forgetting returns a context in which what was published can still be forgotten when ctx has ended.
func forgetting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
}
