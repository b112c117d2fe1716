package queue

import (
	"context"
	"time"

	"gaff/hooks"
)

// laneLook is after what time it is looked again what has become of an event of an ordered hook.
const laneLook = 2 * time.Second

// plan is what an event starts, under a release that is no older than what its publisher went by. If that is not loaded, ok
// is false and the event comes again.
func (c *consuming) plan(ctx context.Context, d *delivery) (t *hooks.Table, matches []*hooks.Match, ok bool) {
	if !c.options.Latest.await(ctx, d.event, false) {
		d.comeAgain(latestAgain)
		return nil, nil, false
	}
	t, matches = c.reactor.Plan(d.event)
	return t, matches, true
}

// event works an event off: each hook that it starts runs, unless it has.
func (c *consuming) event(ctx context.Context, d *delivery) {
	t, matches, ok := c.plan(ctx, d)
	switch {
	case !ok, t == nil:
		return
	case t.State.Paused:
		c.hold(ctx, d, matches)
		return
	}
	later := false
	for _, m := range matches {
		if m.Ordered && elsewhere(d.message, m.Name) {
			continue
		}
		if m.Ordered && !released(d.message) {
			switch c.lanes.takes(ctx, d, t, m) {
			case laneTakes:
				continue
			case laneMay:
				later = true
				continue
			case laneLeaves:
			}
		}
		k := c.taskOf(d, t, m)
		if waits(t, m.Hook) {
			if !c.putOff(ctx, k) {
				d.comeAgain(0)
				return
			}
			continue
		}
		if !c.run(ctx, k) {
			d.comeAgain(0)
			return
		}
	}
	if later {
		d.comeAgain(laneLook)
	}
}

func (c *consuming) taskOf(d *delivery, t *hooks.Table, m *hooks.Match) *task {
	return &task{
		event: d.event, table: t, match: m, since: d.since, doubtful: d.doubtful(), repeated: d.repeated(), records: &d.tally,
		work: hooks.Work{
			ID: taskID(d.meta, m.Name, m.Function), Stored: d.meta.Timestamp, Sequence: d.meta.Sequence.Stream,
		},
		retry: c.retryLater,
	}
}

// putOff leaves a hook that is in quarantine to the work that waits.
func (c *consuming) putOff(ctx context.Context, k *task) bool {
	if k.doubtful {
		if known, ok := c.known(ctx, k, 1); known || !ok {
			return ok
		}
	}
	w := hooks.NewWork(k.work.ID, k.event, k.work.Stored, k.match)
	w.Sequence, w.Due = k.work.Sequence, time.Now().Add(waitLook).UTC()
	return c.insist(ctx, func() error { return c.retryLater(ctx, w) })
}

// retryLater publishes work for when it is due.
func (c *consuming) retryLater(ctx context.Context, w hooks.Work) error {
	_, err := c.conn.publishWork(ctx, &w)
	return err
}
