package hooks

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Outbox holds the events of committed changes until they are published.
type Outbox interface {
	// Take hands up to n events, oldest first, to publish, forgets those for which it returned nil and keeps the
	// others. Several relays may take at once. It returns how many it handed over, and whether there may be more.
	Take(ctx context.Context, n int, publish func(context.Context, []*Event) []error) (taken int, more bool, err error)
	// Committed receives a value soon after this process has committed an event.
	Committed() <-chan struct{}
}

// Publisher tells of many events at once; the errors are those of the events, in order.
type Publisher interface {
	PublishAll(ctx context.Context, events []*Event) []error
	// PublishTogether has the stream store all of them, in their order, or none; the error of one that no stream takes is
	// an [Error], and it is none of them. It returns false, and has stored nothing, if they must be published apart.
	PublishTogether(ctx context.Context, events []*Event) ([]error, bool)
}

// Relay publishes what the outbox holds: at once when this process commits, and by looking every so often, for what a
// process that died has left. What cannot be published stays and is tried again, without an end. No event of a key is
// published before the stream has those that came before it.
type Relay struct {
	Outbox    Outbox
	Publisher Publisher
	Log       *slog.Logger

	warned time.Time // when it was last told that events wait
}

const (
	relayBatch = 500
	// relayTogether is from how many events on they are cheaper to publish together: as much as a few apart, which takes a
	// sync for each, one after the other if they have the same key.
	relayTogether = 16

	relayLook    = time.Second
	relayBackoff = 250 * time.Millisecond
	relayRemind  = 10 * time.Second
	// relayPublish bounds how long the events of one batch may take to be published.
	relayPublish = 10 * time.Second
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
		_, more, err := r.Outbox.Take(ctx, relayBatch, func(ctx context.Context, events []*Event) []error {
			errs := r.publish(ctx, events)
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
				r.warn(err)
				pause(ctx, relayBackoff)
			}
			return
		}
		if !more {
			return
		}
	}
}

// warn tells why events wait, once and then every so often.
func (r *Relay) warn(err error) {
	if now := time.Now(); now.Sub(r.warned) > relayRemind {
		r.Log.Warn("after-events wait in the outbox", "error", err)
		r.warned = now
	}
}

// errBehind is why an event waits although nothing is wrong with it.
var errBehind = errors.New("an earlier event of the same key is not published yet")

func (r *Relay) publish(ctx context.Context, events []*Event) []error {
	ctx, cancel := context.WithTimeout(ctx, relayPublish)
	defer cancel()
	if len(events) >= relayTogether {
		if errs, together := r.Publisher.PublishTogether(ctx, events); together {
			return errs
		}
	}
	return r.publishApart(ctx, events)
}

// publishApart publishes events in rounds, in each of which a key occurs once: of many that are on their way at once, the
// first may be lost with a connection and the others not.
func (r *Relay) publishApart(ctx context.Context, events []*Event) []error {
	errs := make([]error, len(events))
	left := make([]int, len(events))
	for i := range left {
		left[i] = i
	}
	stuck := map[string]bool{}
	for len(left) > 0 {
		var round []*Event
		var at, behind []int
		busy := make(map[string]bool, len(left))
		for _, i := range left {
			switch key := orderKey(events[i]); {
			case stuck[key]:
				errs[i] = errBehind
			case key != "" && busy[key]:
				behind = append(behind, i)
			default:
				busy[key] = true
				round, at = append(round, events[i]), append(at, i)
			}
		}
		for j, err := range r.Publisher.PublishAll(ctx, round) {
			if errs[at[j]] = err; err == nil {
				continue
			}
			if _, never := errors.AsType[*Error](err); !never { // what no stream takes holds up nothing
				stuck[orderKey(round[j])] = true
			}
		}
		delete(stuck, "")
		left = behind
	}
	return errs
}

// orderKey is the same for events among which order matters; empty: it does not.
func orderKey(e *Event) string {
	if e.Key == "" {
		return ""
	}
	return e.App + "/" + e.Key
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
