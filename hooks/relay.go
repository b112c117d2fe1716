package hooks

import (
	"context"
	"log/slog"
	"time"
)

// Outbox holds the events of committed changes until they are published.
type Outbox interface {
	// Take hands up to n events, oldest first, to publish, forgets those for which it returned nil and keeps the
	// others. Several relays may take at once. It returns how many it handed over.
	Take(ctx context.Context, n int, publish func(context.Context, []*Event) []error) (int, error)
	// Committed receives a value soon after this process has committed an event.
	Committed() <-chan struct{}
}

// Publisher tells of many events at once; the errors are those of the events, in order.
type Publisher interface {
	PublishAll(ctx context.Context, events []*Event) []error
}

// Relay publishes what the outbox holds: at once when this process commits, and by looking every so often, for what a
// process that died has left. What cannot be published stays and is tried again, without an end.
type Relay struct {
	Outbox    Outbox
	Publisher Publisher
	Log       *slog.Logger
}

const (
	relayBatch   = 256
	relayLook    = time.Second
	relayBackoff = 250 * time.Millisecond
)

// Run relays until ctx is cancelled, then once more what is left, as far as that is quick.
func (r *Relay) Run(ctx context.Context) error {
	look := time.NewTicker(relayLook)
	defer look.Stop()
	for {
		r.drain(ctx)
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), relayLook)
			defer cancel()
			r.drain(last)
			return nil
		case <-r.Outbox.Committed():
		case <-look.C:
		}
	}
}

// drain relays until the outbox is empty, or until something is wrong; then the caller's next look tries again.
func (r *Relay) drain(ctx context.Context) {
	for ctx.Err() == nil {
		var failed error
		n, err := r.Outbox.Take(ctx, relayBatch, func(ctx context.Context, events []*Event) []error {
			errs := r.Publisher.PublishAll(ctx, events)
			for _, err := range errs {
				if err != nil {
					failed = err
				}
			}
			return errs
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			if ctx.Err() == nil {
				r.Log.Warn("after-events wait in the outbox", "error", err)
				pause(ctx, relayBackoff)
			}
			return
		}
		if n < relayBatch {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
