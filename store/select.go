package store

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Select returns what query and hint select of docs, JSON objects each with an _id, as Find does of a collection with
// them. The error is a BAD_REQUEST if query or hint cannot be answered.
func Select(docs []json.RawMessage, query, hint json.RawMessage) (hooks.Found, error) {
	plan, err := parsePlan(query, hint)
	if err != nil {
		return hooks.Found{}, err
	}
	all := make([]candidate, len(docs))
	for i, doc := range docs {
		all[i] = candidate{id: gjson.GetBytes(doc, "_id").String(), doc: string(doc)}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.id, b.id) })
	sel := newSelected(plan)
	for _, c := range all {
		if !sel.offer(c.id, c.doc) {
			break
		}
	}
	return sel.answer()
}
