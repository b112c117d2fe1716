package store_test

import (
	"encoding/json"

	"pgregory.net/rapid"
)

// Few names and few values, so that they often meet.
var (
	fieldName = rapid.SampledFrom([]string{"a", "b", "c", `q"'$`})
	sortable  = rapid.SampledFrom([]string{"a", "b", "a.b", "c.a", "a.0", "b[1].a", "a.b.0", "c.0.0", `q"'$`})
	scalar    = rapid.OneOf(
		rapid.SampledFrom([]any{nil, true, false}),
		rapid.Map(rapid.SampledFrom([]string{"0", "1", "1.0", "-1", "2.5", "10", "1e1", "9007199254740993", "9007199254740992"}),
			func(n string) any { return json.Number(n) }),
		rapid.Map(rapid.SampledFrom([]string{"", "a", "b", "aB", "é", "ä\nb", "\u212a", "K", "_", `"\\`, "😀", "\uffff"}),
			func(s string) any { return s }),
	)
)

func values(depth int) *rapid.Generator[any] {
	if depth == 0 {
		return scalar
	}
	return rapid.OneOf(scalar, scalar,
		rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return values(depth - 1) }), 0, 3),
			func(l []any) any { return l }),
		rapid.Map(objects(depth-1), func(m map[string]any) any { return m }),
	)
}

func objects(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(fieldName, rapid.Deferred(func() *rapid.Generator[any] { return values(depth) }), 0, 4)
}

var patterns = rapid.SampledFrom([]string{"a", "^a", "b$", "(?i)ab", "(?i)k", "(?i)K", `\w`, `\W`, `\bb`, `\B`, ".", "(?s)ä.b", "ä.b",
	"(?m)^b$", "^$", "[^a-z]", "[[:upper:]]", `\pL`, "a|é|", "(a+)+$", "x*", "(?:a?){3}b?", `\x{1F600}`, `["\\]`, `\Aa\z`, "(?i)[k-l]", "b??"})

func queries(depth int) *rapid.Generator[map[string]any] {
	deeper := rapid.Deferred(func() *rapid.Generator[map[string]any] { return queries(depth - 1) })
	field := rapid.MapOfN(rapid.OneOf(fieldName, sortable), conditions(depth), 1, 2)
	if depth == 0 {
		return field
	}
	list := rapid.SliceOfN(deeper, 1, 3)
	return rapid.OneOf(field, field,
		rapid.Map(list, func(l []map[string]any) map[string]any { return map[string]any{"$or": l} }),
		rapid.Map(list, func(l []map[string]any) map[string]any { return map[string]any{"$and": l} }),
	)
}

// conditions are values or operators.
func conditions(depth int) *rapid.Generator[any] {
	return rapid.OneOf(values(2), rapid.Map(operators(depth), func(m map[string]any) any { return m }))
}

func operators(depth int) *rapid.Generator[map[string]any] {
	comparable := scalar.Filter(func(v any) bool {
		switch v.(type) {
		case string, json.Number:
			return true
		}
		return false
	})
	one := func(name string, operand *rapid.Generator[any]) *rapid.Generator[map[string]any] {
		return rapid.Map(operand, func(v any) map[string]any { return map[string]any{name: v} })
	}
	list := rapid.Map(rapid.SliceOfN(values(1), 0, 3), func(l []any) any { return l })
	pair := rapid.Map(comparable, func(v any) any { return []any{v, v} })
	choice := []*rapid.Generator[map[string]any]{
		one("$eq", values(1)), one("$ne", values(1)), one("$not", values(1)), one("$in", list), one("$nin", list),
		one("$gt", comparable), one("$gte", comparable), one("$lt", comparable), one("$lte", comparable), one("$bt", pair),
		one("$exists", rapid.Map(rapid.Bool(), func(b bool) any { return b })),
		one("$regex", rapid.Map(patterns, func(p string) any { return p })),
	}
	if depth > 0 {
		choice = append(choice,
			one("$not", rapid.Map(operators(depth-1), func(m map[string]any) any { return m })),
			one("$elemMatch", rapid.Map(operators(depth-1), func(m map[string]any) any { return m })),
			one("$elemMatch", rapid.Map(queries(depth-1), func(m map[string]any) any { return m })))
	}
	return rapid.OneOf(choice...)
}
