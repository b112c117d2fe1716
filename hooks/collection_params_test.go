package hooks

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestParameters(t *testing.T) {
	t.Parallel()
	list, one := CollectionCall{Operation: "GET"}, CollectionCall{Operation: "GET", ID: "a"}
	post, many := CollectionCall{Operation: "POST"}, CollectionCall{Operation: "DELETE"}
	for _, c := range []struct {
		call        CollectionCall
		raw         string
		query, hint string
	}{
		{list, ``, ``, ``},
		{list, `q={"a":1}&max=5&skip=2&sort=name&dir=-1`, `{"a":1}`, `{"$skip":2,"$max":5,"$orderby":{"name":-1}}`},
		{list, `sort=a&sort=b&dir=-1`, ``, `{"$orderby":{"a":-1,"b":1}}`},
		{list, `sort=a&sort=b&dir=1&dir=-1`, ``, `{"$orderby":{"a":1,"b":-1}}`},
		{list, `dir=-1`, ``, `{"$orderby":{"_id":-1}}`},
		{list, `h={"$max":3}&sort=x`, ``, `{"$max":3,"$orderby":{"x":1}}`},
		{list, `filter=ann%20lee`, ``, `{"$filter":"ann lee"}`},
		{list, `groupby=gender&groupby=$YEAR:born&aggregate=SUM:weight&aggregate=AVG:age`, ``,
			`{"$groupby":["gender","$YEAR:born"],"$aggregate":["SUM:weight","AVG:age"]}`},
		{list, `totals=true&metafields=1&flatten=false&format=json`, ``, `{"$totals":true,"$metafields":true,"$flatten":false}`},
		{one, `h={"$fields":{"a":1}}&metafields=true`, ``, `{"$fields":{"a":1},"$metafields":true}`},
		{post, `validate=false`, ``, ``},
		{post, `validate=false&metafields=true`, ``, `{"$metafields":true}`},
		{many, `q={}`, `{}`, ``},
	} {
		call := c.call
		if err := call.ReadParameters(c.raw); err != nil {
			t.Errorf("%s: %v", c.raw, err)
		}
		if string(call.Query) != c.query || string(call.Hint) != c.hint {
			t.Errorf("%s: query %s, hint %s\nwant  %s, %s", c.raw, call.Query, call.Hint, c.query, c.hint)
		}
	}
	for _, c := range []struct {
		call       CollectionCall
		raw, names string
	}{
		{list, `q=1`, "a JSON object"}, {list, `q={`, "parameter q"}, {list, `q={}&q={}`, "twice"}, {list, `x=1`, "not one of"},
		{list, `max=-1`, "whole number"}, {list, `max=1.5`, "whole number"}, {list, `dir=up`, "ascending"}, {list, `dir=1&dir=1`, "more parameters dir"},
		{list, `h={"$max":1}&max=2`, "twice"}, {list, `h={"%23usersession":{}}`, "only the server"}, {list, `apikey=k`, "x-apikey"},
		{list, `idtolink=true`, "idtolink"}, {list, `referencedby=true`, "referencedby"}, {list, `fetchchildren=true`, "fetchchildren"},
		{list, `fetchmediadata=true`, "fetchmediadata"}, {list, `format=html`, "format"}, {list, `totals=maybe`, "totals"}, {list, `q=%zz`, "percent"},
		{list, `validate=false`, "validate"}, {one, `max=1`, "max"}, {one, `totals=true`, "totals"}, {post, `q={}`, "q"}, {post, `validate=no`, "validate"},
		{many, `q={}&max=1`, "max"}, {many, `h={}`, "h"}, {list, `filter=%ff`, "UTF-8"},
	} {
		call := c.call
		err := call.ReadParameters(c.raw)
		if e := AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Message, c.names) {
			t.Errorf("%s %s: got %v, want a 400 naming %q", c.call.Operation, c.raw, err, c.names)
		}
	}
}

// FuzzReadParameters: whatever stands in a URL, what becomes of it is JSON objects without what only the server sets, or
// an error that the caller can read.
func FuzzReadParameters(f *testing.F) {
	for _, seed := range []string{
		"", `q={"a":1}&h={"$max":1}`, "sort=a&dir=-1&skip=1&max=2", "h={}&sort=\"", "q=%ff", "a;b", "h={\"\\u0023usersession\":1}", "max=1&max=2",
		"sort=a&sort=b&dir=1", "filter=\"&groupby=\"&aggregate=", "totals=true&flatten=1&metafields=0",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, raw string, many bool) {
		call := CollectionCall{Operation: "GET"}
		if !many {
			call.ID = "a"
		}
		if err := call.ReadParameters(raw); err != nil {
			if e := AsError(err); e.Status != 400 && e.Status != 413 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		for name, b := range map[string][]byte{"query": call.Query, "hint": call.Hint} {
			if b != nil && (CheckJSON(b) != nil || !gjson.ParseBytes(b).IsObject()) {
				t.Fatalf("%q: %s %s", raw, name, b)
			}
		}
		gjson.ParseBytes(call.Hint).ForEach(func(k, _ gjson.Result) bool {
			if name := k.String(); name != "" && name[0] == '#' {
				t.Fatalf("%q: the hint has %s", raw, name)
			}
			return true
		})
	})
}
