package store

import (
	"encoding/json"
	"time"

	"gaff/hooks"
)

// plan is what a query and a hint ask for.
type plan struct {
	query    node
	distinct path // of the values to list in place of documents; nil: documents are wanted
	page     page
}

// parsePlan reads a query and a hint. The error is a BAD_REQUEST or TOO_LARGE for the caller.
func parsePlan(query, hint json.RawMessage) (*plan, error) {
	n, distinct, err := parseQuery(query, time.Now().UTC())
	if err != nil {
		return nil, err
	}
	pg, err := parseHint(hint)
	if err != nil {
		return nil, err
	}
	if distinct != nil && (pg.groups != nil || pg.aggregates != nil) {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$distinct cannot be combined with $groupby or $aggregate")
	}
	if pg.words != nil {
		n = allOf{n, pg.words}
	}
	return &plan{query: n, distinct: distinct, page: pg}, nil
}

// everything stands for no bound.
const everything = -1

// bounds says which of the documents that match, in their order, are looked at: so many after so many. Values, sums and
// the like are made of all of them, unless the hint names $max or $skip.
func (p *plan) bounds() (skip, limit int) {
	switch {
	case p.distinct != nil:
		return 0, everything
	case p.page.aggregates != nil && !p.page.limited:
		return p.page.skip, everything
	}
	return p.page.skip, p.page.max
}

// collector makes an answer of the documents that were selected, given in their order.
type collector interface {
	// add takes a document; the error is a TOO_LARGE.
	add(doc string) error
	// found returns the answer, and how many things are in it.
	found() (hooks.Found, int)
}

func (p *plan) collector() collector {
	switch {
	case p.distinct != nil:
		return &distinctValues{plan: p, known: map[string]bool{}}
	case p.page.groups != nil || p.page.aggregates != nil:
		return newGrouping(&p.page)
	}
	return &answer{page: &p.page}
}

// answered returns the answer of a collector; total is how many documents match.
func (p *plan) answered(c collector, total int) hooks.Found {
	found, count := c.found()
	if p.page.totals {
		found = hooks.Found{Object: withTotals(found.Body(), total, count, &p.page)}
	}
	return found
}

func withTotals(data json.RawMessage, total, count int, pg *page) json.RawMessage {
	b, err := json.Marshal(struct {
		Total int `json:"total"`
		Count int `json:"count"`
		Skip  int `json:"skip"`
		Max   int `json:"max"`
	}{total, count, pg.skip, pg.max})
	if err != nil {
		panic(err) // numbers always marshal
	}
	out := append(make([]byte, 0, len(data)+len(b)+32), `{"data":`...)
	out = append(append(out, data...), `,"totals":`...)
	return append(append(out, b...), '}')
}

// budget bounds the bytes of an answer.
type budget int

// spend returns a TOO_LARGE once too much is spent.
func (b *budget) spend(n int) error {
	if *b += budget(n); *b > maxAnswer {
		return hooks.Errorf(hooks.CodeTooLarge, "the answer has more than %d bytes; ask for less with $max or $fields", maxAnswer)
	}
	return nil
}
