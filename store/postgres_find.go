package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"
)

// Find returns the documents that query and hint select, by default at most 1000 in the order of their _id. The error
// is a BAD_REQUEST if query or hint cannot be answered.
func (p *Postgres) Find(ctx context.Context, app, collection string, query, hint json.RawMessage) ([]json.RawMessage, error) {
	n, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	pg, err := parseHint(hint)
	if err != nil {
		return nil, err
	}
	text, args := selection(app, collection, n, &pg)
	rows, err := p.pool.Query(ctx, text, args...)
	if err != nil {
		return nil, postgresError(err)
	}
	found := answer{page: &pg}
	var doc string
	_, err = pgx.ForEachRow(rows, []any{&doc}, func() error { return found.add(doc) })
	if err != nil {
		return nil, postgresError(err)
	}
	return found.docs, nil
}

// statement collects the bound values of a text. Whatever a caller has sent is among them, field paths too.
type statement struct {
	args    []any
	aliases int
}

// bind returns the placeholder of a value.
func (s *statement) bind(value any) string {
	s.args = append(s.args, value)
	return fmt.Sprintf("$%d", len(s.args))
}

func (s *statement) alias() string {
	s.aliases++
	return fmt.Sprintf("x%d", s.aliases)
}

// selection returns the text of a Find. An equality that few documents can be expected to have is looked up first, in
// the GIN index: the planner knows nothing of the values in a body, and for a small LIMIT would rather walk through
// the collection.
func selection(app, collection string, n node, pg *page) (string, []any) {
	s := &statement{}
	where := fmt.Sprintf("app = %s AND collection = %s AND %s", s.bind(app), s.bind(collection), n.postgres(s, "body"))
	from, sort, joins := "documents WHERE "+where, "", ""
	for _, key := range pg.order {
		join, terms := key.postgres(s)
		joins, sort = joins+join, sort+terms
	}
	tail := fmt.Sprintf(" ORDER BY %sid LIMIT %s OFFSET %s", sort, s.bind(pg.max), s.bind(pg.skip))
	if selective(n) {
		columns := "id, doc"
		if joins != "" {
			columns += ", body"
		}
		return "WITH found AS MATERIALIZED (SELECT " + columns + " FROM " + from + ") SELECT doc FROM found" + joins + tail, s.args
	}
	return "SELECT doc FROM documents" + joins + " WHERE " + where + tail, s.args
}

// selective tells whether the index narrows the query down: it must have a field that equals a string or a number.
func selective(n node) bool {
	switch n := n.(type) {
	case allOf:
		for _, part := range n {
			if selective(part) {
				return true
			}
		}
	case oneOf:
		for _, v := range n.values {
			if v.Type != gjson.String && v.Type != gjson.Number {
				return false
			}
		}
		return !n.path.isID()
	}
	return false
}

// postgres returns the join that has the value to sort by, and the terms of ORDER BY.
func (k sortKey) postgres(s *statement) (join, terms string) {
	direction := " ASC, "
	if k.descending {
		direction = " DESC, "
	}
	if k.path.isID() {
		return "", "id" + direction
	}
	v := s.alias()
	join = fmt.Sprintf(" CROSS JOIN LATERAL jsonb_path_query_first(body, %s::jsonpath, '{}', true) AS %s(v)",
		s.bind("strict "+k.path.jsonpath()), v)
	for _, term := range []string{
		"CASE jsonb_typeof(%s.v) WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'object' THEN 3" +
			" WHEN 'array' THEN 4 WHEN 'boolean' THEN 5 ELSE 0 END",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'number' THEN %[1]s.v::numeric END",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'string' THEN %[1]s.v #>> '{}' END COLLATE \"C\"",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'boolean' THEN %[1]s.v::boolean END",
	} {
		terms += fmt.Sprintf(term, v) + direction
	}
	return join, terms
}

// jsonpath returns the path in PostgreSQL's language, each name quoted.
func (p path) jsonpath() string {
	var b strings.Builder
	b.WriteByte('$')
	for _, name := range p {
		b.WriteByte('.')
		b.WriteString(quote(name))
	}
	return b.String()
}
