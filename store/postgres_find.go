package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Find returns the documents that query and hint select, by default at most 1000 in the order of their _id. The error
// is a BAD_REQUEST if query or hint cannot be answered.
func (p *Postgres) Find(ctx context.Context, app, collection string, query, hint json.RawMessage) (hooks.Found, error) {
	plan, err := parsePlan(query, hint)
	if err != nil {
		return hooks.Found{}, err
	}
	text, args := selection(app, collection, plan)
	rows, err := p.pool.Query(ctx, text, args...)
	if err != nil {
		return hooks.Found{}, postgresError(err)
	}
	found := plan.collector()
	var doc string
	_, err = pgx.ForEachRow(rows, []any{&doc}, func() error { return found.add(doc) })
	if err != nil {
		return hooks.Found{}, postgresError(err)
	}
	total := 0
	if plan.page.totals {
		s := &statement{}
		text := "SELECT count(*) FROM documents WHERE " + s.where(app, collection, plan.query)
		if err := p.pool.QueryRow(ctx, text, s.args...).Scan(&total); err != nil {
			return hooks.Found{}, postgresError(err)
		}
	}
	return plan.answered(found, total), nil
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
func selection(app, collection string, plan *plan) (string, []any) {
	s := &statement{}
	where := s.where(app, collection, plan.query)
	from, sort, joins := "documents WHERE "+where, "", ""
	for _, key := range plan.page.order {
		join, terms := key.postgres(s)
		joins, sort = joins+join, sort+terms
	}
	tail := fmt.Sprintf(" ORDER BY %sid", sort)
	skip, limit := plan.bounds()
	if limit != everything {
		tail += " LIMIT " + s.bind(limit)
	}
	tail += " OFFSET " + s.bind(skip)
	if selective(plan.query) {
		columns := "id, doc"
		if joins != "" {
			columns += ", body"
		}
		return "WITH found AS MATERIALIZED (SELECT " + columns + " FROM " + from + ") SELECT doc FROM found" + joins + tail, s.args
	}
	return "SELECT doc FROM documents" + joins + " WHERE " + where + tail, s.args
}

// where returns the condition for the documents of a collection that match a query.
func (s *statement) where(app, collection string, n node) string {
	return fmt.Sprintf("app = %s AND collection = %s AND %s", s.bind(app), s.bind(collection), n.postgres(s, "body"))
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
		return !n.path.isID() && !n.path.indexed()
	}
	return false
}

// postgres returns the join that has the value to sort by, and the terms of ORDER BY.
func (k sortKey) postgres(s *statement) (join, terms string) {
	if k.path.isID() {
		return "", "id" + k.direction()
	}
	v := s.alias()
	if k.path.indexed() {
		join = fmt.Sprintf(" CROSS JOIN LATERAL (SELECT body #> %s::text[]) AS %s(v)", s.bind([]string(k.path)), v)
		return join, k.terms(v)
	}
	join = fmt.Sprintf(" CROSS JOIN LATERAL jsonb_path_query_first(body, %s::jsonpath, '{}', true) AS %s(v)",
		s.bind("strict "+k.path.jsonpath()), v)
	return join, k.terms(v)
}

// terms returns the terms of ORDER BY for the value in column v of the table v.
func (k sortKey) terms(v string) (terms string) {
	for _, term := range []string{
		"CASE jsonb_typeof(%s.v) WHEN 'number' THEN 1 WHEN 'string' THEN 2 WHEN 'object' THEN 3" +
			" WHEN 'array' THEN 4 WHEN 'boolean' THEN 5 ELSE 0 END",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'number' THEN %[1]s.v::numeric END",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'string' THEN %[1]s.v #>> '{}' END COLLATE \"C\"",
		"CASE jsonb_typeof(%[1]s.v) WHEN 'boolean' THEN %[1]s.v::boolean END",
	} {
		terms += fmt.Sprintf(term, v) + k.direction()
	}
	return terms
}

func (k sortKey) direction() string {
	if k.descending {
		return " DESC, "
	}
	return " ASC, "
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
