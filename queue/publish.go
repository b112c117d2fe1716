package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"gaff/hooks"
)

const (
	publishTimeout = 10 * time.Second
	publishAgain   = 100 * time.Millisecond
	// maxEventID bounds the id of an event, in bytes: the stream remembers it for as long as it looks for duplicates.
	maxEventID = 256
)

// Publish tells of a call that was made: an event of phase after or failed. It returns nil once the stream has
// acknowledged it; from then on each of its hooks runs at least once. An event of the same call, phase and id that the
// stream already has is not stored again. Until ctx ends, at most 10 s if it has no deadline, it tries again what fails
// for the moment. An event without an id gets one.
func (g *Gate) Publish(ctx context.Context, e *hooks.Event) error {
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	for {
		err := g.PublishAll(ctx, []*hooks.Event{identified(e)})[0]
		if _, ours := errors.AsType[*hooks.Error](err); err == nil || ours {
			return err
		}
		if !pause(ctx, publishAgain) {
			return hooks.Errorf(hooks.CodeUnavailable, "the event could not be stored").Because(err)
		}
	}
}

// PublishAll tells of many calls at once, as Publish does but without trying again; the errors are those of the events,
// in their order. With [Gate.PublishTogether] it is what an outbox needs.
func (g *Gate) PublishAll(ctx context.Context, events []*hooks.Event) []error {
	errs := make([]error, len(events))
	if !g.conn.nc.IsConnected() {
		return fill(errs, errNotConnected)
	}
	ctx, cancel := withDefaultTimeout(ctx)
	defer cancel()
	acks := make([]jetstream.PubAckFuture, len(events))
	for i, e := range events {
		m, err := g.message(identified(e))
		if err == nil {
			acks[i], err = g.conn.js.PublishMsgAsync(m, jetstream.WithStallWait(publishTimeout))
		}
		errs[i] = err
	}
	for i, ack := range acks {
		if ack != nil {
			errs[i] = acknowledged(ctx, ack)
		}
	}
	return errs
}

// errNotConnected is why nothing is published for the moment. The client would keep what is published now and send it
// later: when somebody else has published it, or what came after it.
var errNotConnected = errors.New("publish event: not connected to NATS")

// fill gives every event that has no error yet the one of all.
func fill(errs []error, err error) []error {
	for i := range errs {
		if errs[i] == nil {
			errs[i] = err
		}
	}
	return errs
}

func acknowledged(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return fmt.Errorf("publish event: %w", err)
	case <-ctx.Done():
		return fmt.Errorf("publish event: no acknowledgement: %w", ctx.Err())
	}
}

// message is the event as it is published.
func (g *Gate) message(e *hooks.Event) (*nats.Msg, error) {
	if err := checkCall(e); err != nil {
		return nil, err
	}
	if e.Phase == hooks.Before {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "an event of phase before is asked, not published")
	}
	if len(e.ID) > maxEventID {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the event's id has %d bytes, at most %d are possible", len(e.ID), maxEventID)
	}
	data := e.AppendJSON(nil)
	if limit := g.conn.nc.MaxPayload(); int64(len(data)) > limit {
		return nil, hooks.Errorf(hooks.CodeTooLarge, "the event has %d bytes, NATS takes %d", len(data), limit)
	}
	header := nats.Header{jetstream.MsgIDHeader: {messageID(e)}}
	setTrace(header, traceOf(e))
	return &nats.Msg{Subject: g.conn.subjects.event(e), Data: data, Header: header}, nil
}

// messageID tells events apart. Ids may be the callers' own, so one app's cannot hide another's; and both phases of a
// call may be told of.
func messageID(e *hooks.Event) string {
	return e.App + "." + e.Service + "." + e.Operation + "." + string(e.Phase) + "." + e.ID
}

// identified is the event, or a copy with an id.
func identified(e *hooks.Event) *hooks.Event {
	if e.ID != "" {
		return e
	}
	with := *e
	with.ID = nuid.Next()
	return &with
}

func withDefaultTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, publishTimeout)
}
