package store

import (
	"context"
	"encoding/json"

	"gaff/hooks"
)

// Find returns the documents that query and hint select, by default at most 1000 in the order of their _id. The error
// is a BAD_REQUEST if query or hint cannot be answered.
func (s *SQLite) Find(ctx context.Context, app, collection string, query, hint json.RawMessage) (hooks.Found, error) {
	plan, err := parsePlan(query, hint)
	if err != nil {
		return hooks.Found{}, err
	}
	sel := newSelected(plan)
	if err := s.candidates(ctx, app, collection, sel); err != nil {
		return hooks.Found{}, unavailable(err)
	}
	return sel.answer()
}

// candidates offers the documents that can match in the order of their ids, until no more are wanted.
func (s *SQLite) candidates(ctx context.Context, app, collection string, sel *selected) error {
	text := "SELECT id, doc FROM documents WHERE app = ? AND collection = ?"
	args := []any{app, collection}
	ids, ok := requiredIDs(sel.plan.query)
	switch {
	case ok && len(ids) == 1:
		text, args = text+" AND id = ?", append(args, ids[0])
	case ok:
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		text, args = text+" AND id IN (SELECT value FROM json_each(?))", append(args, string(list))
	}
	rows, err := s.read.QueryContext(ctx, text+" ORDER BY id", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, doc string
		if err := rows.Scan(&id, &doc); err != nil {
			return err
		}
		if !sel.offer(id, doc) {
			return nil
		}
	}
	return rows.Err()
}
