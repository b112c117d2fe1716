package store_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// checkShapes asks for values, groups, sums and totals of the documents that a query selects, and compares with what
// comes of them by decoding and trying. docs are these documents in some order.
func checkShapes(r *rapid.T, docs []string, query map[string]any, find func(query, hint any) string) {
	slices.SortFunc(docs, func(a, b string) int { return strings.Compare(idOf(a), idOf(b)) })
	field, by := sortable.Draw(r, "field"), sortable.Draw(r, "by")
	distinct := maps.Clone(query)
	distinct["$distinct"] = field
	if got, want := find(distinct, map[string]any{}), naiveDistinct(docs, field); !same(decode(got), want) {
		r.Fatalf("%s:\n got %s\nwant %s", marshal(distinct), got, marshal(want))
	}
	sums := map[string]any{"$groupby": []string{by}, "$aggregate": []string{"COUNT:n", "SUM:" + field, "AVG:" + field, "MIN:" + field}}
	if got, want := find(query, sums), naiveGroups(docs, by, field); !same(decode(got), want) {
		r.Fatalf("%s %s:\n got %s\nwant %s", marshal(query), marshal(sums), got, marshal(want))
	}
	filter := rapid.SampledFrom([]string{"a", "B", "ä", "k", "_", `"\`, "a b", "\U0001F600", ".*", ""}).Draw(r, "filter")
	paged := map[string]any{"$filter": filter, "$totals": true, "$max": 2, "$skip": 1}
	if got, want := find(query, paged), naivePage(docs, filter); !same(decode(got), want) {
		r.Fatalf("%s %s:\n got %s\nwant %s", marshal(query), marshal(paged), got, marshal(want))
	}
}

func idOf(doc string) string { return decode(doc).(map[string]any)["_id"].(string) }

func naiveDistinct(docs []string, field string) []any {
	values := []any{}
	for _, doc := range docs {
		for _, v := range spread(decode(doc), split(field)) {
			list, isList := v.([]any)
			if !isList {
				list = []any{v}
			}
			for _, v := range list {
				if !slices.ContainsFunc(values, func(known any) bool { return same(known, v) }) {
					values = append(values, v)
				}
			}
		}
	}
	slices.SortStableFunc(values, sorted)
	return values
}

func naiveGroups(docs []string, by, field string) map[string]any {
	grouped := map[string][]any{}
	for _, doc := range docs {
		v := decode(doc)
		name := ""
		switch key := reach(v, by).(type) {
		case string:
			name = key
		case json.Number:
			name = plain(number(key))
		default:
			name = marshal(normal(key))
		}
		grouped[name] = append(grouped[name], v)
	}
	groups := map[string]any{}
	for name, docs := range grouped {
		sum, n, least := new(big.Rat), int64(0), any(nil)
		for _, doc := range docs {
			v := reach(doc, field)
			if text, ok := v.(json.Number); ok {
				sum.Add(sum, number(text))
				n++
			}
			if v != nil && (least == nil || sorted(v, reach(least, field)) < 0) {
				least = doc
			}
		}
		average := any(nil)
		if n > 0 {
			exact := new(big.Rat).Quo(sum, new(big.Rat).SetInt64(n))
			mean, _ := exact.Float64()
			average = json.Number(marshal(mean))
			if _, ends := exact.FloatPrec(); ends {
				average = json.Number(plain(exact))
			}
		}
		groups[name] = map[string]any{
			"n": json.Number(marshal(len(docs))), "SUM " + field: json.Number(plain(sum)), "AVG " + field: average, "MIN " + field: least,
		}
	}
	return groups
}

// plain spells a number in decimal digits.
func plain(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	digits, _ := n.FloatPrec()
	return n.FloatString(digits)
}

// normal is a value with its numbers spelled in decimal digits, as names of groups have them.
func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(plain(number(v)))
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, normal(item))
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, item := range v {
			object[name] = normal(item)
		}
		return object
	}
	return v
}

func naivePage(docs []string, filter string) map[string]any {
	var with []any
	for _, doc := range docs {
		v := decode(doc).(map[string]any)
		own := maps.Clone(v)
		maps.DeleteFunc(own, func(name string, _ any) bool { return strings.HasPrefix(name, "_") })
		all := true
		for _, word := range strings.Fields(filter) {
			all = all && hasText(own, regexp.MustCompile("(?i)"+regexp.QuoteMeta(word)))
		}
		if all {
			with = append(with, v)
		}
	}
	page := append([]any{}, with[min(1, len(with)):min(3, len(with))]...)
	return map[string]any{"data": page, "totals": map[string]any{
		"total": json.Number(marshal(len(with))), "count": json.Number(marshal(len(page))), "skip": json.Number("1"), "max": json.Number("2"),
	}}
}

func hasText(v any, word *regexp.Regexp) bool {
	switch v := v.(type) {
	case string:
		return word.MatchString(v)
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return hasText(item, word) })
	case map[string]any:
		for _, item := range v {
			if hasText(item, word) {
				return true
			}
		}
	}
	return false
}
