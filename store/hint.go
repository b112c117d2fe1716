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
	max, skip int
	order     []sortKey // ties and no keys at all: by _id
	fields    *projection
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
		switch k.Str {
		case "$max":
			pg.max, err = whole("$max", v, limitMax)
		case "$skip":
			pg.skip, err = whole("$skip", v, limitSkip)
		case "$orderby":
			pg.order, err = parseOrder(v)
		case "$fields":
			pg.fields, err = parseFields(v)
		default:
			if strings.HasPrefix(k.Str, "$") {
				err = hooks.Errorf(hooks.CodeBadRequest, "hint %.40s is not supported", k.Str)
			}
		}
		return err == nil
	})
	return pg, err
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
	page *page
	docs []json.RawMessage
	size int
}

// add appends a document; the error is a TOO_LARGE.
func (a *answer) add(doc string) error {
	raw := a.page.fields.apply(doc)
	if a.size += len(raw); a.size > maxAnswer {
		return hooks.Errorf(hooks.CodeTooLarge, "the answer has more than %d bytes; ask for less with $max or $fields", maxAnswer)
	}
	a.docs = append(a.docs, raw)
	return nil
}
