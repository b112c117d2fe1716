package hooks

import (
	"context"
	"encoding/json"

	"github.com/tidwall/gjson"
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

// victims finds what the call deletes: the document of its id, or those that the query selects.
func (c *Collections) victims(ctx context.Context, call *CollectionCall, query json.RawMessage) (victims, error) {
	if call.ID != "" {
		raw, d, err := c.original(ctx, call)
		if err != nil {
			return nil, err
		}
		return victims{{call.ID, d.version(), raw}}, nil
	}
	found, err := c.Documents.Find(ctx, call.App, call.Collection, query, mustMarshal(map[string]int{"$max": maxVictims}))
	switch {
	case err != nil:
		return nil, err
	case len(found.List) == maxVictims:
		return nil, Errorf(CodeTooLarge, "the query selects %d documents or more, too many to delete at once", maxVictims)
	}
	vs := make(victims, len(found.List))
	for i, raw := range found.List {
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

// selecting is the query for what a DELETE of many removes: its own, or one for the ids in its body. A DELETE of one has
// none.
func (call *CollectionCall) selecting() (json.RawMessage, error) {
	if call.ID != "" {
		return nil, nil
	}
	ids, err := call.ids()
	switch {
	case err != nil:
		return nil, err
	case call.Query != nil && ids != nil:
		return nil, Errorf(CodeBadRequest, "DELETE takes a query q or a list of ids, not both")
	case ids != nil:
		return mustMarshal(map[string]any{fieldID: map[string]any{"$in": ids}}), nil
	case call.Query == nil:
		return nil, Errorf(CodeBadRequest, "DELETE of many documents needs a query q, or a list of ids as its body; q={} deletes all")
	case gjson.GetBytes(call.Query, `\$distinct`).Exists():
		return nil, Errorf(CodeBadRequest, "$distinct does not say what DELETE is to remove")
	}
	return call.Query, nil
}

// ids reads the body of a DELETE; nil if it is not a list.
func (call *CollectionCall) ids() ([]string, error) {
	body := gjson.ParseBytes(call.Body)
	if !body.IsArray() {
		return nil, nil
	}
	ids := []string{}
	for _, v := range body.Array() {
		if v.Type != gjson.String {
			return nil, Errorf(CodeBadRequest, "DELETE takes a list of ids, which are texts, as its body")
		}
		ids = append(ids, v.Str)
	}
	if len(ids) > maxBulk {
		return nil, Errorf(CodeTooLarge, "DELETE takes at most %d ids", maxBulk)
	}
	return ids, nil
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
