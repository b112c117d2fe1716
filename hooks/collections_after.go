package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// answered asks the sync after hooks of a call that was carried out. They may replace the reply, or make an error of it;
// what was done stays done. after is the event as it was remembered, if it was; its result is what the reply says.
func (c *Collections) answered(ctx context.Context, after *Event, reply Reply) (Reply, error) {
	asked := *after // the other belongs to the outbox
	asked.Result = reply.Body
	v, err := c.Gate.Ask(ctx, &asked)
	if err != nil {
		return reply, err
	}
	v.Warnings = append(reply.Warnings[:len(reply.Warnings):len(reply.Warnings)], v.Warnings...)
	reply.Warnings = v.Warnings
	if v.Release != 0 {
		reply.Release = v.Release
	}
	switch {
	case v.Stopped():
		return Reply{}, v.reason()
	case v.Respond != nil:
		reply.Status, reply.Body = v.Respond.Status, v.Respond.Body
	case v.Result != nil:
		reply.Body = v.Result
	}
	return reply, nil
}

// failure is the event that tells of a call that failed; message is what the call was made with.
func (call *CollectionCall) failure(message json.RawMessage) *Event {
	e := call.event(Failed)
	e.Message = message
	return e
}

// failed publishes the event of a call that did not succeed, and asks the sync failed hooks: they may make a success of
// it, or another error. A call that is made anew has not failed yet, and its error is returned as it is.
func (c *Collections) failed(ctx context.Context, e *Event, err error) (Reply, error) {
	if errors.Is(err, ErrStale) {
		return Reply{}, err
	}
	reason := AsError(err)
	e.Error = reason.raw()
	if told := c.Gate.Publish(context.WithoutCancel(ctx), e); told != nil {
		reason = reason.with(errors.Join(err, told))
	}
	v, err := c.Gate.Ask(ctx, e)
	switch {
	case err != nil:
		return Reply{}, reason
	case v.Stopped():
		return Reply{}, v.reason().with(reason)
	case v.Respond != nil:
		return Reply{Status: v.Respond.Status, Body: v.Respond.Body, Warnings: v.Warnings, Release: v.Release}, nil
	case v.Result != nil:
		return Reply{Status: http.StatusOK, Body: v.Result, Warnings: v.Warnings, Release: v.Release}, nil
	}
	reason = reason.with(reason.cause)
	reason.Warnings = append(reason.Warnings, v.Warnings...)
	return Reply{}, reason
}
