package store

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// selected takes the documents that match: at once if they come in the order that is wanted, else after sorting.
type selected struct {
	plan        *plan
	skip, limit int
	total       int         // that match
	found       []candidate // to be sorted
	answers     collector
	err         error
}

type candidate struct {
	id, doc string
	keys    []gjson.Result
}

func newSelected(p *plan) *selected {
	s := &selected{plan: p, answers: p.collector()}
	s.skip, s.limit = p.bounds()
	return s
}

// offer takes the document if it matches, and tells whether more are wanted.
func (s *selected) offer(id, doc string) bool {
	v := gjson.Parse(doc)
	if !s.plan.query.matches(v) {
		return true
	}
	s.total++
	pg := &s.plan.page
	if pg.order == nil {
		if s.total > s.skip && (s.limit == everything || s.total <= s.skip+s.limit) {
			s.err = s.answers.add(doc)
		}
		return s.err == nil && (s.limit == everything || s.total < s.skip+s.limit || pg.totals)
	}
	c := candidate{id: id, doc: doc}
	for _, key := range pg.order {
		c.keys = append(c.keys, key.path.first(v))
	}
	s.found = append(s.found, c)
	if s.limit != everything && len(s.found) > 2*(s.skip+s.limit)+defaultMax { // keep memory within twice of what can be answered
		s.sort()
		s.found = slices.Clip(s.found[:s.skip+s.limit])
	}
	return true
}

func (s *selected) sort() {
	slices.SortFunc(s.found, func(a, b candidate) int {
		for i, key := range s.plan.page.order {
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

// answer returns what was asked for.
func (s *selected) answer() (hooks.Found, error) {
	s.sort()
	last := len(s.found)
	if s.limit != everything {
		last = min(last, s.skip+s.limit)
	}
	for i := s.skip; i < last && s.err == nil; i++ {
		s.err = s.answers.add(s.found[i].doc)
	}
	if s.err != nil {
		return hooks.Found{}, s.err
	}
	return s.plan.answered(s.answers, s.total), nil
}
