package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// waitLook is how often it is looked whether a hook that is switched off, or whose app is paused, may run again.
	waitLook = 15 * time.Second
	// dueSlack is how much too early an attempt may be.
	dueSlack = 5 * time.Millisecond
)

// parseWork reads a message of the work stream.
func (d *delivery) parseWork() error {
	w := &hooks.Work{}
	if err := json.Unmarshal(d.message.Data(), w); err != nil {
		return err
	}
	e, err := w.ParseEvent()
	if err != nil {
		return err
	}
	if e.ID == "" {
		e.ID = w.ID
	}
	if hooks.CheckName("app", w.App) != nil || hooks.CheckName("hook", w.Hook) != nil || w.ID == "" {
		return fmt.Errorf("work %.100q of hook %.100q", w.ID, w.Hook)
	}
	d.work, d.event = w, e
	return nil
}

// work tries a hook again, when it is time.
func (c *consuming) work(ctx context.Context, d *delivery) {
	if wait := time.Until(d.work.Due); wait > dueSlack {
		d.comeAgain(wait)
		return
	}
	if d.work.Cut && !c.whole(ctx, d) {
		d.comeAgain(0)
		return
	}
	t, matches, ok := c.plan(ctx, d)
	if !ok {
		return
	}
	registered := t.Hook(d.work.Hook)
	switch m := hooks.Named(matches, d.work.Hook); {
	case t != nil && (t.State.Paused || registered != nil && waits(t, registered)):
		d.comeAgain(waitLook + rand.N(waitLook/4))
	case m == nil:
		c.unwanted(ctx, d)
	default:
		begun := d.begun()
		k := &task{
			event: d.event, table: t, match: m, work: *d.work, since: d.since, doubtful: d.old || begun, repeated: begun,
			records: &d.tally, retry: c.retryLater,
		}
		if !c.run(ctx, k) {
			d.comeAgain(0)
		}
	}
}

// waits reports whether a hook is switched off or in quarantine: what is to be done for it waits.
func waits(t *hooks.Table, h *hooks.Hook) bool {
	_, quarantined := t.State.QuarantinedHooks[h.Name]
	return quarantined || h.Disabled || t.State.HookDisabled(h.Name)
}

// begun reports whether the work may have been begun by another worker: it was delivered more often than its wait explains.
func (d *delivery) begun() bool {
	if d.work.Due.IsZero() {
		return d.repeated()
	}
	return d.meta.NumDelivered > 2
}

// storedEvent returns an event as its stream has it; nil if it is not there any more.
func (c *Conn) storedEvent(ctx context.Context, seq uint64) (*hooks.Event, error) {
	stream, err := c.js.Stream(ctx, c.eventStream())
	if err != nil {
		return nil, err
	}
	m, err := stream.GetMsg(ctx, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &hooks.Event{Attempt: 1, Trace: readTrace(m.Header)}
	if err := c.subjects.parseEvent(m.Subject, e); err != nil {
		return nil, nil
	}
	if e.Payload, err = hooks.ParsePayload(m.Data); err != nil {
		return nil, nil
	}
	return e, nil
}

// unwanted gives up work for which there is no hook any more, or none that its event starts.
func (c *consuming) unwanted(ctx context.Context, d *delivery) {
	why := hooks.Errorf(hooks.CodeHookNotFound, "no hook %s is registered that this event starts", d.work.Hook)
	r := hooks.Record{Time: time.Now().UTC(), Error: &hooks.RecordError{Code: why.Code, Message: why.Message}}
	w := d.work.Failed(&r)
	k := &task{event: d.event, records: &d.tally}
	if !c.bury(ctx, k, &w, d.event) {
		d.comeAgain(0)
	}
}

// whole gets what the event carries from its stream. What is not there any more is missing.
func (c *consuming) whole(ctx context.Context, d *delivery) bool {
	return c.insist(ctx, func() error {
		e, err := c.conn.storedEvent(ctx, d.work.Sequence)
		if err == nil && e != nil && e.App == d.work.App {
			e.Slot = d.event.Slot
			d.event = e
		}
		return err
	})
}
