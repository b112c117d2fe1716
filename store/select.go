package store

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"
)

// Select returns those of docs, JSON objects each with an _id, that query and hint select, as Find does of a collection with
// them. The error is a BAD_REQUEST if query or hint cannot be answered.
func Select(docs []json.RawMessage, query, hint json.RawMessage) ([]json.RawMessage, error) {
	n, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	pg, err := parseHint(hint)
	if err != nil {
		return nil, err
	}
	all := make([]candidate, len(docs))
	for i, doc := range docs {
		all[i] = candidate{id: gjson.GetBytes(doc, "_id").String(), doc: string(doc)}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.id, b.id) })
	sel := &selected{query: n, page: &pg}
	for _, c := range all {
		if !sel.offer(c.id, c.doc) {
			break
		}
	}
	return sel.answer()
}
