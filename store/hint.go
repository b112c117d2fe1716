package store

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Bounds of an answer.
const (
	defaultMax = 1000
	limitMax   = 10_000
	limitSkip  = 1_000_000
	limitSort  = 8
	maxAnswer  = 64 << 20 // bytes of documents
)

// page is what a hint asks for.
type page struct {
	max, skip  int
	limited    bool      // the hint says how many
	order      []sortKey // ties and no keys at all: by _id
	fields     *projection
	words      words // that documents must have
	groups     []groupKey
	aggregates []aggregate
	grandTotal bool // with groups: their aggregates taken together too
	totals     bool // how many there are too
	metafields bool // the fields too that are not shown otherwise
	flatten    bool // fields of fields as fields of the document
}

type sortKey struct {
	path       path
	descending bool
}

// parseHint reads a hint; nil and null ask for nothing. Keys without $, as #headers, are not for the store.
func parseHint(raw json.RawMessage) (page, error) {
	pg := page{max: defaultMax}
	if len(raw) == 0 || string(raw) == "null" {
		return pg, nil
	}
	if err := checkJSON(raw, "the hint"); err != nil {
		return pg, err
	}
	var err error
	gjson.ParseBytes(raw).ForEach(func(k, v gjson.Result) bool {
		err = pg.read(k.Str, v)
		return err == nil
	})
	if err == nil && pg.grandTotal && pg.aggregates == nil {
		err = hooks.Errorf(hooks.CodeBadRequest, "%s needs an $aggregate", grandTotal)
	}
	return pg, err
}

// read reads one part of a hint.
func (pg *page) read(name string, v gjson.Result) (err error) {
	switch name {
	case "$max":
		pg.limited = true
		pg.max, err = whole(name, v, limitMax)
	case "$skip":
		pg.skip, err = whole(name, v, limitSkip)
	case "$orderby":
		pg.order, err = parseOrder(v)
	case "$fields":
		pg.fields, err = parseFields(v)
	case "$filter":
		pg.words, err = parseWords(v)
	case "$groupby":
		pg.groups, err = parseGroups(v)
	case "$aggregate":
		pg.aggregates, err = parseAggregates(v)
	case grandTotal:
		pg.grandTotal, err = yes(name, v)
	case "$totals":
		pg.totals, err = yes(name, v)
	case "$metafields":
		pg.metafields, err = yes(name, v)
	case "$flatten":
		pg.flatten, err = yes(name, v)
	default:
		if strings.HasPrefix(name, "$") {
			err = hooks.Errorf(hooks.CodeBadRequest, "hint %.40s is not supported", name)
		}
	}
	return err
}

func yes(name string, v gjson.Result) (bool, error) {
	if !v.IsBool() {
		return false, hooks.Errorf(hooks.CodeBadRequest, "%s takes true or false", name)
	}
	return v.Type == gjson.True, nil
}

func whole(name string, v gjson.Result, limit int64) (int, error) {
	n := v.Int()
	if v.Type != gjson.Number || float64(n) != v.Num || n < 0 || n > limit {
		return 0, hooks.Errorf(hooks.CodeBadRequest, "%s takes a whole number from 0 to %d", name, limit)
	}
	return int(n), nil
}

func parseOrder(v gjson.Result) ([]sortKey, error) {
	var keys []sortKey
	ok := v.IsObject()
	v.ForEach(func(k, direction gjson.Result) bool {
		at, valid := fieldPath(k.Str)
		ok = ok && valid && direction.Type == gjson.Number && (direction.Num == 1 || direction.Num == -1)
		keys = append(keys, sortKey{at, direction.Num < 0})
		return ok
	})
	if !ok || len(keys) > limitSort {
		return nil, hooks.Errorf(hooks.CodeBadRequest,
			`$orderby takes an object of at most %d fields, each 1 (ascending) or -1 (descending)`, limitSort)
	}
	return keys, nil
}

// answer collects the documents of a page as callers get them.
type answer struct {
	page  *page
	docs  []json.RawMessage
	spent budget
}

func (a *answer) add(doc string) error {
	raw := a.page.show(doc)
	a.docs = append(a.docs, raw)
	return a.spent.spend(len(raw))
}

func (a *answer) found() (hooks.Found, int) { return hooks.Found{List: a.docs}, len(a.docs) }
