package store_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"gaff/hooks"
)

// The answers of both stores to random queries over random documents are those of the matcher below, which knows
// nothing of how the stores do it.
func TestRandomQueries(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		round := 0
		rapid.Check(t, func(r *rapid.T) {
			round++
			in := fmt.Sprintf("c%d", round)
			docs := rapid.SliceOfN(objects(3), 1, 12).Draw(r, "documents")
			changes := make([]hooks.Change, len(docs))
			for i, d := range docs {
				text := marshal(d)
				changes[i] = document(fmt.Sprintf("%02d", i), text[1:len(text)-1])
			}
			if err := s.Write(t.Context(), app, in, changes); err != nil {
				r.Fatal(err)
			}
			for i := range 6 {
				query := queries(3).Draw(r, "query")
				key := sortable.Draw(r, "key")
				direction := rapid.SampledFrom([]int{1, -1}).Draw(r, "direction")
				hint := fmt.Sprintf(`{"$orderby":{%q:%d}}`, key, direction)
				found, err := s.Find(t.Context(), app, in, json.RawMessage(marshal(query)), json.RawMessage(hint))
				if err != nil {
					r.Fatalf("%s: %v", marshal(query), err)
				}
				got := make([]string, len(found.List))
				for i, doc := range found.List {
					got[i] = string(doc)
				}
				want := naive(changes, query, key, direction)
				if !slices.Equal(got, want) {
					r.Fatalf("%s %s:\n got %q\nwant %q", marshal(query), hint, got, want)
				}
				if i > 0 {
					continue
				}
				checkShapes(r, want, query, func(query, hint any) string {
					found, err := s.Find(t.Context(), app, in, json.RawMessage(marshal(query)), json.RawMessage(marshal(hint)))
					if err != nil {
						r.Fatalf("%s %s: %v", marshal(query), marshal(hint), err)
					}
					return string(found.Body())
				})
			}
		})
	})
}

func marshal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// naive answers a query by decoding everything and trying.
func naive(changes []hooks.Change, query map[string]any, key string, direction int) []string {
	type candidate struct {
		text string
		doc  any
	}
	var found []candidate
	for _, c := range changes {
		doc := decode(string(c.Document))
		if satisfies(doc, decode(marshal(query)).(map[string]any)) {
			found = append(found, candidate{string(c.Document), doc})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return direction * sorted(reach(a.doc, key), reach(b.doc, key))
	})
	texts := []string{}
	for _, c := range found {
		texts = append(texts, c.text)
	}
	return texts
}

func decode(text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func satisfies(v any, query map[string]any) bool {
	for name, condition := range query {
		ok := false
		switch name {
		case "$or":
			ok = slices.ContainsFunc(condition.([]any), func(q any) bool { return satisfies(v, q.(map[string]any)) })
		case "$and":
			ok = !slices.ContainsFunc(condition.([]any), func(q any) bool { return !satisfies(v, q.(map[string]any)) })
		default:
			ok = meets(spread(v, split(name)), condition, true)
		}
		if !ok {
			return false
		}
	}
	return true
}

// split takes a[0].b apart, which is a.0.b.
func split(name string) []string {
	return strings.Split(strings.ReplaceAll(strings.ReplaceAll(name, "[", "."), "]", ""), ".")
}

// spread lists the values at a path, through the objects of arrays.
func spread(v any, names []string) []any {
	if len(names) == 0 {
		return []any{v}
	}
	object, _ := v.(map[string]any)
	if below, ok := object[names[0]]; ok {
		return spread(below, names[1:])
	}
	var all []any
	list, _ := v.([]any)
	if i, err := strconv.Atoi(names[0]); err == nil && i < len(list) {
		all = spread(list[i], names[1:])
	}
	for _, item := range list {
		if _, ok := item.(map[string]any); ok {
			all = append(all, spread(item, names)...)
		}
	}
	return all
}

// meets tells whether the values at a path meet a condition; elements says whether those of arrays count.
func meets(at []any, condition any, elements bool) bool {
	operators, _ := condition.(map[string]any)
	isOperator := false
	for name := range operators {
		isOperator = isOperator || strings.HasPrefix(name, "$")
	}
	if !isOperator {
		return has(at, condition, elements)
	}
	for name, operand := range operators {
		if !meetsOne(at, name, operand, elements) {
			return false
		}
	}
	return true
}

func meetsOne(at []any, name string, operand any, elements bool) bool {
	some := func(ok func(v any) bool) bool { return slices.ContainsFunc(single(at, elements), ok) }
	list, _ := operand.([]any)
	switch name {
	case "$eq":
		return has(at, operand, elements)
	case "$ne":
		return !has(at, operand, elements)
	case "$in", "$nin":
		return slices.ContainsFunc(list, func(v any) bool { return has(at, v, elements) }) == (name == "$in")
	case "$not":
		return !meets(at, operand, elements)
	case "$exists":
		return (len(at) > 0) == operand.(bool)
	case "$regex":
		re := regexp.MustCompile(operand.(string))
		return some(func(v any) bool { s, ok := v.(string); return ok && re.MatchString(s) })
	case "$bt":
		return some(func(v any) bool { return within(v, "$gte", list[0]) && within(v, "$lte", list[1]) })
	case "$elemMatch":
		for _, v := range at {
			items, _ := v.([]any)
			if slices.ContainsFunc(items, func(item any) bool { return meetsElement(item, operand.(map[string]any)) }) {
				return true
			}
		}
		return false
	}
	return some(func(v any) bool { return within(v, name, operand) })
}

func meetsElement(item any, condition map[string]any) bool {
	for name := range condition {
		if strings.HasPrefix(name, "$") && name != "$or" && name != "$and" {
			return meets([]any{item}, condition, false)
		}
	}
	_, isObject := item.(map[string]any)
	return isObject && satisfies(item, condition)
}

// single lists what is compared one by one: no arrays, but the elements of arrays.
func single(at []any, elements bool) []any {
	var all []any
	for _, v := range at {
		list, isList := v.([]any)
		if isList && !elements {
			continue
		}
		if !isList {
			list = []any{v}
		}
		for _, item := range list {
			if _, nested := item.([]any); !nested {
				all = append(all, item)
			}
		}
	}
	return all
}

func has(at []any, wanted any, elements bool) bool {
	if len(at) == 0 {
		return wanted == nil
	}
	for _, v := range at {
		list, _ := v.([]any)
		if same(v, wanted) || elements && slices.ContainsFunc(list, func(item any) bool { return same(item, wanted) }) {
			return true
		}
	}
	return false
}

func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name := range a {
			if other, ok := b[name]; !ok || !same(a[name], other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && number(a).Cmp(number(b)) == 0
	}
	switch b.(type) {
	case map[string]any, []any, json.Number:
		return false
	}
	return a == b
}

func number(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		panic(n)
	}
	return r
}

func within(v any, operator string, bound any) bool {
	c := 0
	switch bound := bound.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			return false
		}
		c = strings.Compare(s, bound)
	case json.Number:
		n, ok := v.(json.Number)
		if !ok {
			return false
		}
		c = number(n).Cmp(number(bound))
	}
	return map[string]bool{"$gt": c > 0, "$gte": c >= 0, "$lt": c < 0, "$lte": c <= 0}[operator]
}

// reach is the value at a path, through objects, and through lists by number.
func reach(v any, name string) any {
	for _, n := range split(name) {
		switch at := v.(type) {
		case map[string]any:
			v = at[n]
		case []any:
			v = nil
			if i, err := strconv.Atoi(n); err == nil && i < len(at) {
				v = at[i]
			}
		default:
			return nil
		}
	}
	return v
}

func sorted(a, b any) int {
	if c := kind(a) - kind(b); c != 0 {
		return c
	}
	switch a := a.(type) {
	case json.Number:
		return number(a).Cmp(number(b.(json.Number)))
	case string:
		return strings.Compare(a, b.(string))
	case bool:
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) // false, true
	}
	return 0
}

func kind(v any) int {
	switch v.(type) {
	case json.Number:
		return 1
	case string:
		return 2
	case map[string]any:
		return 3
	case []any:
		return 4
	case bool:
		return 5
	}
	return 0
}
