package hooks

import (
	"context"
	"net/http"
	"time"
)

// update answers a PUT, which replaces the document, or a PATCH, which sets some of its fields. Either may have operators
// such as $inc, which change what is stored at this moment: if somebody else is faster, the call is made anew.
func (c *Collections) update(ctx context.Context, call *CollectionCall) (Reply, error) {
	body, err := parseDocument(call.Body, "the document")
	if err != nil {
		return Reply{}, err
	}
	if call.ID == "" {
		return Reply{}, Errorf(CodeBadRequest, "%s needs the document's id in the path", call.Operation)
	}
	original, old, err := c.original(ctx, call)
	if err != nil {
		return c.failed(ctx, call.failure(call.Body), err)
	}
	set, err := old.expand(body, call.Operation)
	if err != nil {
		return Reply{}, err
	}
	set.body.set(fieldID, appendString(nil, call.ID))
	before := call.event(Before)
	before.Message, before.Original = set.body.raw(), original
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	if v.Message != nil {
		if body, err = parseDocument(v.Message, "the hook's data"); err != nil {
			return Reply{}, err
		}
		unset := set.unset
		if set, err = old.expand(body, call.Operation); err != nil {
			return Reply{}, err
		}
		set.unset = append(set.unset, unset...)
	}
	stamped := set.applied(old, call.Operation).
		stamp(call.ID, old.version()+1, old.get(fieldCreated), timestamp(time.Now()))
	after := call.event(After)
	after.Original, after.Context, after.Message = original, v.Context, stamped.raw()
	if err := checkSize(after.Message); err != nil {
		return Reply{}, err
	}
	after.Result = after.Message
	stored := stamped.signed(old.creator(), call.author()).raw()
	change := Change{ID: call.ID, Document: stored, Version: old.version(), Event: after}
	if err := c.Documents.Write(ctx, call.App, call.Collection, []Change{change}); err != nil {
		failure := call.failure(after.Message)
		failure.Original, failure.Context = original, v.Context
		return c.failed(ctx, failure, err)
	}
	reply := Reply{Status: http.StatusOK, Body: after.Result, Warnings: v.Warnings, Release: v.Release}
	if call.showsAuthors() {
		reply.Body = stored
	}
	return c.answered(ctx, after, reply)
}
