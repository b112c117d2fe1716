package hooks

import (
	"context"
	"encoding/json"
)

// victims are the documents that a DELETE removes.
type victims []victim

type victim struct {
	id      string
	version int64
	raw     json.RawMessage
}

// maxVictims bounds what one DELETE removes, all of it in one transaction.
const maxVictims = 10_000

// victims finds what the call deletes: the document of its id, or those that its query selects.
func (c *Collections) victims(ctx context.Context, call *CollectionCall) (victims, error) {
	if call.ID != "" {
		raw, d, err := c.original(ctx, call, nil)
		if err != nil {
			return nil, err
		}
		return victims{{call.ID, d.version(), raw}}, nil
	}
	if call.Query == nil {
		return nil, Errorf(CodeBadRequest, "DELETE of many documents needs a query q; q={} deletes all")
	}
	found, err := c.Documents.Find(ctx, call.App, call.Collection, call.Query, mustMarshal(map[string]int{"$max": maxVictims}))
	switch {
	case err != nil:
		return nil, c.failed(ctx, call, nil, err)
	case len(found) == maxVictims:
		return nil, Errorf(CodeTooLarge, "the query selects %d documents or more, too many to delete at once", maxVictims)
	}
	vs := make(victims, len(found))
	for i, raw := range found {
		d, err := parseDocument(raw, "the stored document")
		if err != nil {
			return nil, err
		}
		id, err := d.id()
		if err != nil {
			return nil, err
		}
		vs[i] = victim{id, d.version(), raw}
	}
	return vs, nil
}

// body is what hooks see as the message: {_id} with one id, or with a list of them for many.
func (vs victims) body(call *CollectionCall) json.RawMessage {
	if call.ID != "" {
		return document{{fieldID, appendString(nil, call.ID)}}.raw()
	}
	ids := make([]string, len(vs))
	for i, v := range vs {
		ids[i] = v.id
	}
	return document{{fieldID, mustMarshal(ids)}}.raw()
}

// original is the document, or the list of them for many.
func (vs victims) original(call *CollectionCall) json.RawMessage {
	if call.ID != "" {
		return vs[0].raw
	}
	docs := make([]json.RawMessage, len(vs))
	for i, v := range vs {
		docs[i] = v.raw
	}
	return list(docs)
}
