package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gaff/hooks"
	"gaff/store"
)

// sales is the fixture of the cases below.
var sales = []hooks.Change{
	document("a", `"shop":"Oslo","kind":"tea","n":2,"price":1.5,"sold":"2026-01-31T23:30:15.120Z","maker":[{"country":"India"},{"country":"China"}],"tags":["x","y"]`),
	document("b", `"shop":"Oslo","kind":"coffee","n":3,"price":2.25,"sold":"2026-02-01T08:05:59+02:00","maker":[{"country":"Peru"}],"tags":"x"`),
	document("c", `"shop":"Rome","kind":"tea","n":10,"price":0.1,"sold":1770000000000,"maker":[],"tags":[]`),
	document("d", `"shop":"Rome","kind":"tea","n":"many","price":0.2,"sold":"2025-12-24","tags":[null,2,2.0]`),
	document("e", `"shop":7,"kind":null,"n":9223372036854775807,"sold":"never","deep":{"a":{"b":1},"c":[{"d":2}],"e":{}}`),
	document("f", `"shop":true,"n":1e3,"sold":null`),
}

// What comes back for a query and a hint, byte for byte.
var shapeCases = []struct{ name, query, hint, want string }{
	{"distinct values are sorted, each once", `{"$distinct":"shop"}`, ``, `[7,"Oslo","Rome",true]`},
	{"distinct of a path with a number", `{"$distinct":"maker[0].country"}`, ``, `["India","Peru"]`},
	{"distinct of a path through a list", `{"$distinct":"maker.country"}`, ``, `["China","India","Peru"]`},
	{"distinct elements of lists, equal numbers once", `{"$distinct":"tags"}`, ``, `[null,2,"x","y"]`},
	{"distinct with conditions", `{"$distinct":"kind","shop":"Oslo"}`, ``, `["coffee","tea"]`},
	{"distinct of null and nothing", `{"$distinct":"kind","shop":{"$in":[7,true]}}`, ``, `[null]`},
	{"distinct of nothing", `{"$distinct":"nothing"}`, ``, `[]`},
	{"distinct, a page of it", `{"$distinct":"shop"}`, `{"$skip":1,"$max":2}`, `["Oslo","Rome"]`},
	{"distinct with totals", `{"$distinct":"kind"}`, `{"$totals":true,"$max":1}`, `{"data":[null],"totals":{"total":6,"count":1,"skip":0,"max":1}}`},

	{"groups in the order of their documents", `{}`, `{"$groupby":["shop"],"$fields":{"n":1}}`,
		`{"Oslo":[{"_id":"a","n":2},{"_id":"b","n":3}],"Rome":[{"_id":"c","n":10},{"_id":"d","n":"many"}],"7":[{"_id":"e","n":9223372036854775807}],"true":[{"_id":"f","n":1e3}]}`},
	{"groups of groups", `{"shop":{"$in":["Oslo","Rome"]}}`, `{"$groupby":["shop","kind"],"$fields":{"n":1},"$orderby":{"n":-1}}`,
		`{"Rome":{"tea":[{"_id":"d","n":"many"},{"_id":"c","n":10}]},"Oslo":{"coffee":[{"_id":"b","n":3}],"tea":[{"_id":"a","n":2}]}}`},
	{"groups of a page", `{}`, `{"$groupby":["shop"],"$fields":{"_id":1},"$skip":1,"$max":2}`, `{"Oslo":[{"_id":"b"}],"Rome":[{"_id":"c"}]}`},
	{"null and missing are one group", `{"_id":{"$in":["e","f"]}}`, `{"$groupby":["kind"],"$aggregate":["COUNT:n"]}`, `{"null":{"n":2}}`},
	{"no group of no document", `{"_id":"zz"}`, `{"$groupby":["kind"]}`, `{}`},
	{"groups by a path", `{"_id":{"$lt":"c"}}`, `{"$groupby":["maker[0].country"],"$aggregate":["COUNT:n"]}`, `{"India":{"n":1},"Peru":{"n":1}}`},

	{"years", `{}`, `{"$groupby":["$YEAR:sold"],"$aggregate":["COUNT:n"]}`, `{"2026":{"n":3},"2025":{"n":1},"null":{"n":2}}`},
	{"months and days, in UTC", `{"_id":{"$lt":"d"}}`, `{"$groupby":["$MONTH:sold","$DAY:sold"],"$aggregate":["COUNT:n"]}`,
		`{"01":{"31":{"n":1}},"02":{"01":{"n":1},"02":{"n":1}}}`},
	{"hours and seconds", `{"_id":{"$lt":"d"}}`, `{"$groupby":["$HOUR:sold","$SEC:sold"],"$aggregate":["COUNT:n"]}`,
		`{"23":{"15":{"n":1}},"06":{"59":{"n":1}},"02":{"00":{"n":1}}}`},
	{"a format of moment.js", `{"_id":{"$lt":"d"}}`, `{"$groupby":["$DATE.MMM YYYY:sold"],"$aggregate":["COUNT:n"]}`, `{"Jan 2026":{"n":1},"Feb 2026":{"n":2}}`},
	{"a format with a colon", `{"_id":"a"}`, `{"$groupby":["$DATE.HH:mm:sold"],"$aggregate":["COUNT:n"]}`, `{"23:30":{"n":1}}`},

	{"aggregates of all documents", `{}`, `{"$aggregate":["SUM:n","AVG:price","COUNT:many"]}`, `{"SUM n":9223372036854776822,"AVG price":1.0125,"many":6}`},
	{"sums are exact", `{"shop":"Rome"}`, `{"$aggregate":["SUM:price","AVG:price"]}`, `{"SUM price":0.3,"AVG price":0.15}`},
	{"MIN and MAX are documents", `{"shop":"Oslo"}`, `{"$aggregate":["MIN:price","MAX:price"],"$fields":{"price":1}}`,
		`{"MIN price":{"_id":"a","price":1.5},"MAX price":{"_id":"b","price":2.25}}`},
	{"MAX of text, in the order of sorting", `{}`, `{"$aggregate":["MAX:n","MIN:n"],"$fields":{"_id":1}}`, `{"MAX n":{"_id":"d"},"MIN n":{"_id":"a"}}`},
	{"the first of equals", `{}`, `{"$aggregate":["MIN:kind"],"$fields":{"_id":1}}`, `{"MIN kind":{"_id":"b"}}`},
	{"aggregates of nothing", `{"_id":"zz"}`, `{"$aggregate":["SUM:n","AVG:n","MIN:n","MAX:n","COUNT:c"]}`,
		`{"SUM n":0,"AVG n":null,"MIN n":null,"MAX n":null,"c":0}`},
	{"aggregates per group", `{"shop":{"$in":["Oslo","Rome"]}}`, `{"$groupby":["shop"],"$aggregate":["SUM:n","AVG:n","COUNT:count"]}`,
		`{"Oslo":{"SUM n":5,"AVG n":2.5,"count":2},"Rome":{"SUM n":10,"AVG n":10,"count":2}}`},
	{"grand totals at each level", `{"shop":{"$in":["Oslo","Rome"]}}`, `{"$groupby":["shop","kind"],"$aggregate":["SUM:price","COUNT:c"],"$aggregate-grand-total":true}`,
		`{"Oslo":{"tea":{"SUM price":1.5,"c":1},"coffee":{"SUM price":2.25,"c":1},"$aggregate-grand-total":{"SUM price":3.75,"c":2}},` +
			`"Rome":{"tea":{"SUM price":0.3,"c":2},"$aggregate-grand-total":{"SUM price":0.3,"c":2}},"$aggregate-grand-total":{"SUM price":4.05,"c":4}}`},
	{"aggregates of a page", `{}`, `{"$aggregate":["COUNT:c","SUM:n"],"$max":2,"$orderby":{"price":-1}}`, `{"c":2,"SUM n":5}`},
	{"aggregates with totals", `{}`, `{"$groupby":["shop"],"$aggregate":["COUNT:c"],"$totals":true}`,
		`{"data":{"Oslo":{"c":2},"Rome":{"c":2},"7":{"c":1},"true":{"c":1}},"totals":{"total":6,"count":4,"skip":0,"max":1000}}`},
	{"small letters do too", `{"_id":"a"}`, `{"$aggregate":["sum:n"]}`, `{"SUM n":2}`},

	{"totals of a page", `{"shop":"Rome"}`, `{"$totals":true,"$max":1,"$skip":1,"$fields":{"_id":1}}`, `{"data":[{"_id":"d"}],"totals":{"total":2,"count":1,"skip":1,"max":1}}`},
	{"totals beyond the end", `{"shop":"Rome"}`, `{"$totals":true,"$skip":5}`, `{"data":[],"totals":{"total":2,"count":0,"skip":5,"max":1000}}`},
	{"totals with an index", `{"kind":"tea"}`, `{"$totals":true,"$max":0,"$orderby":{"n":1}}`, `{"data":[],"totals":{"total":3,"count":0,"skip":0,"max":0}}`},
	{"totals of a filter", `{}`, `{"$totals":true,"$filter":"OSLO coff","$fields":{"_id":1}}`, `{"data":[{"_id":"b"}],"totals":{"total":1,"count":1,"skip":0,"max":1000}}`},

	{"flatten", `{"_id":"e"}`, `{"$flatten":true,"$fields":{"deep":1}}`, `[{"_id":"e","deep.a.b":1,"deep.c":[{"d":2}],"deep.e":{}}]`},
	{"metafields", `{"_id":"c"}`, `{"$metafields":true,"$fields":{"shop":1,"_keywords":1,"_tags":1}}`, `[{"_id":"c","shop":"Rome","_keywords":["rome","tea"],"_tags":"rome tea"}]`},
	{"a limit has no zero meaning", `{}`, `{"$max":0}`, `[]`},
}

func TestShapes(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, sales...)
		for _, c := range shapeCases {
			found, err := s.Find(t.Context(), app, collection, json.RawMessage(c.query), json.RawMessage(c.hint))
			if got := string(found.Body()); err != nil || got != c.want {
				t.Errorf("%s: %s %s:\n got %s %v\nwant %s", c.name, c.query, c.hint, got, err, c.want)
			}
		}
	})
}

// What is kept in memory is selected as in a database, whatever its order.
func TestSelect(t *testing.T) {
	t.Parallel()
	var docs []json.RawMessage
	for i := range sales {
		docs = append(docs, sales[len(sales)-1-i].Document)
	}
	for _, c := range shapeCases {
		found, err := store.Select(docs, json.RawMessage(c.query), json.RawMessage(c.hint))
		if got := string(found.Body()); err != nil || got != c.want {
			t.Errorf("%s: got %s %v\nwant %s", c.name, got, err, c.want)
		}
	}
}

// Who made and who changed a document is shown to those who ask.
func TestAuthors(t *testing.T) {
	doc := `{"_id":"a","_version":0,"_created":"x","_changed":"y","_createdby":"ann","_changedby":"bob","n":{"_createdby":1}}`
	cases := []struct{ hint, want string }{
		{``, `{"_id":"a","_version":0,"_created":"x","_changed":"y","n":{"_createdby":1}}`},
		{`{"$metafields":true}`, strings.TrimSuffix(doc, "}") + `,"_keywords":[],"_tags":""}`},
		{`{"$fields":{"n":0}}`, `{"_id":"a","_version":0,"_created":"x","_changed":"y"}`},
		{`{"$fields":{"_createdby":1}}`, `{"_id":"a","_createdby":"ann"}`},
		{`{"$groupby":["_changedby"],"$fields":{"_id":1}}`, `{"bob":[{"_id":"a"}]}`},
	}
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, hooks.Change{ID: "a", Document: json.RawMessage(doc), Insert: true})
		for _, c := range cases {
			found, err := s.Find(t.Context(), app, collection, json.RawMessage(`{"_createdby":"ann"}`), json.RawMessage(c.hint))
			if got := strings.TrimSuffix(strings.TrimPrefix(string(found.Body()), "["), "]"); err != nil || got != c.want {
				t.Errorf("%s: got %s %v\nwant %s", c.hint, got, err, c.want)
			}
		}
		if raw, err := s.Get(t.Context(), app, collection, "a"); err != nil || string(raw) != doc {
			t.Errorf("got %s %v", raw, err)
		}
	})
}
