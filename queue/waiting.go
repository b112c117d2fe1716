package queue

import (
	"context"
	"errors"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Waiting is how many messages wait for something.
type Waiting struct {
	App, Hook string // Hook is empty if they are the app's
	Messages  uint64
}

// EventsWaiting returns how many events are not worked off: those that no worker has had, and those in hand.
func (c *Conn) EventsWaiting(ctx context.Context) (uint64, error) {
	consumer, err := c.js.Consumer(ctx, c.eventStream(), c.eventConsumer(0).config.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound): // no worker was ever there
		return c.messages(ctx, c.eventStream())
	case err != nil:
		return 0, unavailable("events", err)
	}
	info := consumer.CachedInfo() // that was just asked for
	return info.NumPending + uint64(info.NumAckPending), nil
}

func (c *Conn) messages(ctx context.Context, stream string) (uint64, error) {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return 0, unavailable(stream, err)
	}
	return s.CachedInfo().State.Msgs, nil
}

// WorkWaiting returns how many runs are waiting to be tried again, by app and hook.
func (c *Conn) WorkWaiting(ctx context.Context) ([]Waiting, error) {
	return c.waiting(ctx, c.workStream(), "work", true)
}

// DeadLetters returns how many dead letters there are, by app and hook.
func (c *Conn) DeadLetters(ctx context.Context) ([]Waiting, error) {
	return c.waiting(ctx, c.deadStream(), "dead", true)
}

// EventsHeld returns how many events wait until their app is not paused any more, by app.
func (c *Conn) EventsHeld(ctx context.Context) ([]Waiting, error) {
	return c.waiting(ctx, c.workStream(), "held", false)
}

// waiting counts the messages of a stream by the names that their subjects have behind the kind.
func (c *Conn) waiting(ctx context.Context, stream, kind string, hooks bool) ([]Waiting, error) {
	s, err := c.js.Stream(ctx, stream)
	if err != nil {
		return nil, unavailable(stream, err)
	}
	prefix := c.config.Prefix + "." + kind + "."
	info, err := s.Info(ctx, jetstream.WithSubjectFilter(prefix+">"))
	if err != nil {
		return nil, unavailable(stream, err)
	}
	places := map[string]int{} // in all
	all := []Waiting{}
	for subject, n := range info.State.Subjects {
		app, rest, _ := strings.Cut(strings.TrimPrefix(subject, prefix), ".")
		w := Waiting{App: app}
		if hooks {
			w.Hook = rest
		}
		i, ok := places[w.App+"."+w.Hook]
		if !ok {
			i = len(all)
			places[w.App+"."+w.Hook], all = i, append(all, w)
		}
		all[i].Messages += n
	}
	return all, nil
}
