package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Find returns the documents that query and hint select, by default at most 1000 in the order of their _id. The error
// is a BAD_REQUEST if query or hint cannot be answered.
func (s *SQLite) Find(ctx context.Context, app, collection string, query, hint json.RawMessage) ([]json.RawMessage, error) {
	n, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	pg, err := parseHint(hint)
	if err != nil {
		return nil, err
	}
	sel := &selected{query: n, page: &pg}
	if err := s.candidates(ctx, app, collection, sel); err != nil {
		return nil, unavailable(err)
	}
	return sel.answer()
}

// candidates offers the documents that can match in the order of their ids, until no more are wanted.
func (s *SQLite) candidates(ctx context.Context, app, collection string, sel *selected) error {
	text := "SELECT id, doc FROM documents WHERE app = ? AND collection = ?"
	args := []any{app, collection}
	ids, ok := requiredIDs(sel.query)
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

// selected collects the documents that match, as many as the page needs.
type selected struct {
	query node
	page  *page
	found []candidate
}

type candidate struct {
	id, doc string
	keys    []gjson.Result
}

// offer takes the document if it matches, and tells whether more are wanted.
func (s *selected) offer(id, doc string) bool {
	v := gjson.Parse(doc)
	wanted := s.page.skip + s.page.max
	if s.query.matches(v) {
		c := candidate{id: id, doc: doc}
		for _, key := range s.page.order {
			c.keys = append(c.keys, key.path.first(v))
		}
		s.found = append(s.found, c)
	}
	if s.page.order == nil {
		return len(s.found) < wanted
	}
	if len(s.found) > 2*wanted+defaultMax { // keep memory within twice of what can be answered
		s.sort()
		s.found = slices.Clip(s.found[:wanted])
	}
	return true
}

func (s *selected) sort() {
	slices.SortFunc(s.found, func(a, b candidate) int {
		for i, key := range s.page.order {
			c := order(a.keys[i], b.keys[i])
			if key.descending {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.id, b.id)
	})
}

// answer returns the page.
func (s *selected) answer() ([]json.RawMessage, error) {
	s.sort()
	a := answer{page: s.page}
	last := min(len(s.found), s.page.skip+s.page.max)
	for i := s.page.skip; i < last; i++ {
		if err := a.add(s.found[i].doc); err != nil {
			return nil, err
		}
	}
	return a.docs, nil
}
