package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// headerHeld marks an event that was published again once its app was not paused any more. Ordered hooks, whose events
// wait where they are, do not react to it.
const headerHeld = "Gaff-Held"

func released(m jetstream.Msg) bool { return m.Headers().Get(headerHeld) != "" }

// headerOrdered names the hooks that were ordered when the event was held: those find it where it was.
const headerOrdered = "Gaff-Ordered"

// elsewhere reports whether an ordered hook has found an event that was held where it was before.
func elsewhere(m jetstream.Msg, hook string) bool {
	return released(m) && slices.Contains(m.Headers()[headerOrdered], hook)
}

const (
	// heldLook is how often it is looked for apps whose events may go on.
	heldLook = time.Second
	// heldBatch is how many of them go on at once.
	heldBatch = 200
	// heldQuiet is for how long after a resume events may still be held, by a worker that has not heard of it.
	heldQuiet = compareEvery + 5*time.Second
)

// hold keeps an event of an app that is paused, until it is not. Ordered hooks find theirs where it is.
func (c *consuming) hold(ctx context.Context, d *delivery, matches []*hooks.Match) {
	ok := c.insist(ctx, func() error {
		m := &nats.Msg{
			Subject: c.conn.subjects.held(d.message.Subject()), Data: d.message.Data(),
			Header: nats.Header{jetstream.MsgIDHeader: {"held." + taskID(d.meta, "", "")}},
		}
		setTrace(m.Header, d.event.Trace)
		if released(d.message) {
			m.Header.Set(headerHeld, "again")
			m.Header[headerOrdered] = d.message.Headers()[headerOrdered]
		} else if err := c.leaveToLanes(ctx, d, matches, m.Header); err != nil {
			return err
		}
		_, err := c.conn.js.PublishMsg(ctx, m)
		return err
	})
	if !ok {
		d.comeAgain(0)
	}
}

// leaveToLanes makes sure that ordered hooks find an event where it is, and notes which do.
func (c *consuming) leaveToLanes(ctx context.Context, d *delivery, matches []*hooks.Match, header nats.Header) error {
	for _, m := range matches {
		if !m.Ordered {
			continue
		}
		if err := c.lanes.ensure(ctx, d); err != nil {
			return err
		}
		header.Add(headerOrdered, m.Name)
	}
	return nil
}

// release lets the events of apps go on that are not paused any more, until ctx ends.
func (c *consuming) release(ctx context.Context) {
	releases := NewReleases(c.conn)
	quiet := map[string]time.Time{} // since when an app had none
	for pause(ctx, heldLook) {
		for _, app := range c.holding() {
			n, err := c.conn.releaseApp(ctx, app)
			switch {
			case err != nil && ctx.Err() == nil:
				c.conn.log.Warn("events that were held cannot go on; trying again", "app", app, "error", err)
			case n > 0 || quiet[app].IsZero():
				quiet[app] = time.Now()
			case time.Since(quiet[app]) > heldQuiet:
				delete(quiet, app)
				_, err := releases.SetState(ctx, app, 0, func(s *hooks.State) error { s.Held = s.Paused; return nil })
				if err != nil && ctx.Err() == nil {
					c.conn.log.Warn("the state of an app cannot be kept", "app", app, "error", err)
				}
			}
		}
	}
}

// holding lists the apps of this process that have held events and are not paused.
func (c *consuming) holding() (apps []string) {
	for app, t := range c.reactor.All() {
		if t.State.Held && !t.State.Paused && c.options.Apps.Serves(app) {
			apps = append(apps, app)
		}
	}
	return apps
}

// releaseApp publishes an app's held events again, in their order, and returns how many there were.
func (c *Conn) releaseApp(ctx context.Context, app string) (n int, err error) {
	consumer, err := c.consumer(ctx, consumerConfig{c.workStream(), jetstream.ConsumerConfig{
		Durable:           c.config.Prefix + "-held-" + app,
		Description:       "events of an app that was paused, on their way back",
		FilterSubject:     c.config.Prefix + ".held." + app + ".>",
		AckPolicy:         jetstream.AckExplicitPolicy,
		AckWait:           defaultAckWait,
		MaxAckPending:     heldBatch, // one worker at a time, so that their order stays
		InactiveThreshold: time.Hour,
		Replicas:          c.config.Replicas,
	}})
	if err != nil {
		return 0, err
	}
	for ctx.Err() == nil {
		batch, err := consumer.FetchNoWait(heldBatch)
		if err != nil {
			return n, err
		}
		before := n
		for m := range batch.Messages() {
			if err := c.releaseOne(ctx, m); err != nil {
				return n, err
			}
			n++
		}
		if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) {
			return n, err
		}
		if n == before {
			break
		}
	}
	return n, ctx.Err()
}

func (c *Conn) releaseOne(ctx context.Context, m jetstream.Msg) error {
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	event := &nats.Msg{
		Subject: c.subjects.unheld(m.Subject()), Data: m.Data(),
		Header: nats.Header{
			jetstream.MsgIDHeader: {fmt.Sprintf("released.%d.%d", meta.Sequence.Stream, meta.Timestamp.UnixNano())},
			headerHeld:            {"1"},
		},
	}
	if ordered := m.Headers()[headerOrdered]; len(ordered) > 0 {
		event.Header[headerOrdered] = ordered
	}
	setTrace(event.Header, readTrace(m.Headers()))
	if _, err := c.js.PublishMsg(ctx, event); err != nil {
		return err
	}
	return m.DoubleAck(ctx)
}
