package hooks

import (
	"context"
	"net/http"
	"strconv"
)

// remove answers a DELETE of one document, of those whose ids are given, or of all that a query selects; the hooks see
// the ids and the documents.
func (c *Collections) remove(ctx context.Context, call *CollectionCall) (Reply, error) {
	query, err := call.selecting()
	if err != nil {
		return Reply{}, err
	}
	victims, err := c.victims(ctx, call, query)
	if err != nil {
		return c.failed(ctx, call.failure(nil), err)
	}
	before := call.event(Before)
	before.Message, before.Original = victims.body(call), victims.original(call)
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	changes := make([]Change, len(victims))
	ids := make([]string, len(victims))
	for i, doc := range victims {
		ids[i] = doc.id
		after := call.event(After)
		after.Key, after.Original, after.Context = doc.id, doc.raw, v.Context
		after.Message = document{{fieldID, appendString(nil, doc.id)}}.raw()
		after.Result = after.Original
		if call.ID == "" { // one request, many events: each needs an id of its own
			after.ID = call.RequestID + "." + strconv.Itoa(i)
		}
		changes[i] = Change{ID: doc.id, Version: doc.version, Event: after}
	}
	if err := c.Documents.Write(ctx, call.App, call.Collection, changes); err != nil {
		failure := call.failure(before.Message)
		failure.Original, failure.Context = before.Original, v.Context
		return c.failed(ctx, failure, err)
	}
	after := call.event(After)
	after.Message, after.Original, after.Context = before.Message, before.Original, v.Context
	reply := Reply{
		Status: http.StatusOK, Body: mustMarshal(map[string][]string{"result": ids}), Warnings: v.Warnings, Release: v.Release,
	}
	return c.answered(ctx, after, reply)
}
