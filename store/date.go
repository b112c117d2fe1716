package store

import (
	"math"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// isoDate is how documents keep a moment: in UTC, to the millisecond, so that texts sort like moments.
const isoDate = "2006-01-02T15:04:05.000Z"

// literal returns what a value of a query stands for: itself, or the text of a date.
func (p *parser) literal(v gjson.Result) (gjson.Result, error) {
	date, isDate := dateOf(v)
	if isDate {
		v = date
	}
	switch {
	case v.Type == gjson.String && v.Str == "$currentDate":
		return isoText(p.now), nil
	case v.Type == gjson.String && v.Str == "$currentMonth":
		return isoText(time.Date(p.now.Year(), p.now.Month(), 1, 0, 0, 0, 0, time.UTC)), nil
	case v.Type == gjson.String && v.Str == "$currentYear":
		return isoText(time.Date(p.now.Year(), 1, 1, 0, 0, 0, 0, time.UTC)), nil
	case isDate && v.Type == gjson.Number && math.Abs(v.Num) < 1e15:
		return isoText(time.UnixMilli(int64(v.Num)).UTC()), nil
	case isDate:
		return dateText(v)
	}
	return v, checkLiteral(v)
}

// dateText checks what stands in $date. A text keeps its spelling, so that it equals what a document has of the same, unless
// it has an offset: such texts do not sort like moments.
func dateText(v gjson.Result) (gjson.Result, error) {
	t, ok := moment(v)
	if v.Type != gjson.String || !ok {
		return v, hooks.Errorf(hooks.CodeBadRequest, "$date takes a date as text, such as 2026-11-01 or 2026-11-01T12:00:00Z, or milliseconds since 1970")
	}
	if strings.Contains(v.Str, "T") && (strings.Contains(v.Str, "+") || strings.LastIndexByte(v.Str, '-') > strings.IndexByte(v.Str, 'T')) {
		return isoText(t), nil
	}
	return v, nil
}

// dateOf returns what stands in {"$date": …}.
func dateOf(v gjson.Result) (date gjson.Result, ok bool) {
	if !v.IsObject() {
		return date, false
	}
	n := 0
	v.ForEach(func(k, value gjson.Result) bool {
		n++
		date, ok = value, k.Str == "$date"
		return n < 2
	})
	return date, ok && n == 1
}

func isoText(t time.Time) gjson.Result {
	return gjson.Parse(quote(t.Format(isoDate)))
}

// moment returns the moment that a field of a document names: as text in the forms of ISO 8601 that JSON knows, UTC
// unless it says otherwise, or in milliseconds since 1970.
func moment(v gjson.Result) (t time.Time, ok bool) {
	switch v.Type {
	case gjson.Number:
		return time.UnixMilli(int64(v.Num)).UTC(), math.Abs(v.Num) < 1e15
	case gjson.String:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", "2006-01"} {
			if t, err := time.Parse(layout, v.Str); err == nil {
				return t.UTC(), true
			}
		}
	}
	return t, false
}
