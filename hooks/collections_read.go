package hooks

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tidwall/gjson"
)

// read answers a GET of one document or of a list.
func (c *Collections) read(ctx context.Context, call *CollectionCall) (Reply, error) {
	before := call.event(Before)
	if call.ID != "" {
		before.Query = document{{fieldID, appendString(nil, call.ID)}}.raw()
	}
	v, answer, err := c.ask(ctx, before)
	if answer != nil || err != nil {
		return deref(answer), err
	}
	query, hint := before.Query, before.Hint
	if v.Query != nil {
		query = v.Query
	}
	if v.Hint != nil {
		hint = v.Hint
	}
	if call.ID != "" {
		hint = shownOnly(hint)
	}
	if call.ID != "" && v.Query != nil { // a hook may narrow what can be seen, not show another document
		query = json.RawMessage(`{"$and":[` + string(before.Query) + `,` + string(query) + `]}`)
	}
	failure := call.failure(nil)
	failure.Query, failure.Hint, failure.Context = query, before.Hint, v.Context
	found, err := c.Documents.Find(ctx, call.App, call.Collection, query, hint)
	switch {
	case err != nil:
		return c.failed(ctx, failure, err)
	case call.ID != "" && len(found.List) == 0:
		return c.failed(ctx, failure, notFound(call.Collection, call.ID))
	}
	reply := Reply{Status: http.StatusOK, Body: found.Body(), Warnings: v.Warnings, Release: v.Release}
	if call.ID != "" {
		reply.Body = found.List[0]
	}
	after := call.event(After)
	after.Query, after.Hint, after.Context = query, before.Hint, v.Context
	return c.answered(ctx, after, reply)
}

// shownOnly is what of a hint means something for a single document: how it is shown.
func shownOnly(hint json.RawMessage) json.RawMessage {
	var kept document
	gjson.ParseBytes(hint).ForEach(func(k, v gjson.Result) bool {
		switch k.Str {
		case "$fields", "$metafields", "$flatten":
			kept.set(k.Str, json.RawMessage(v.Raw))
		}
		return true
	})
	if kept == nil {
		return nil
	}
	return kept.raw()
}

// original returns the stored document, as hooks see it and split; its authors are in the second alone.
func (c *Collections) original(ctx context.Context, call *CollectionCall) (json.RawMessage, document, error) {
	raw, err := c.Documents.Get(ctx, call.App, call.Collection, call.ID)
	if err != nil {
		return nil, nil, err
	}
	d, err := parseDocument(raw, "the stored document")
	if seen := d.unsigned(); len(seen) < len(d) {
		raw = seen.raw()
	}
	return raw, d, err
}

func notFound(collection, id string) *Error {
	return Errorf(CodeNotFound, "%s %.100q does not exist", collection, id)
}

func list(docs []json.RawMessage) json.RawMessage {
	size := 2
	for _, d := range docs {
		size += len(d) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, d := range docs {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, d...)
	}
	return append(out, ']')
}

func deref(r *Reply) Reply {
	if r == nil {
		return Reply{}
	}
	return *r
}
