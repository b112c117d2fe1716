package store_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gaff/hooks"
)

var refusedQueries = []struct{ query, hint, names string }{
	{`{"a":{"$foo":1}}`, ``, "$foo"},
	{`{"$distinct":1}`, ``, "$distinct"},
	{`{"$distinct":""}`, ``, "$distinct"},
	{`{"$and":[{"$distinct":"a"}]}`, ``, "$distinct"},
	{`{"a":{"$distinct":"b"}}`, ``, "$distinct"},
	{`{"$distinct":"a"}`, `{"$groupby":["a"]}`, "$distinct"},
	{`{"$distinct":"a"}`, `{"$aggregate":["SUM:a"]}`, "$distinct"},
	{`{"a":{"$date":{}}}`, ``, "$date"},
	{`{"a":{"$gt":{"$date":true}}}`, ``, "$date"},
	{`{"a":{"$gt":{"$date":"garbage"}}}`, ``, "$date"},
	{`{"a":{"$date":"2026-02-30"}}`, ``, "$date"},
	{`{"a":{"b":"$currentDate"}}`, ``, "$currentDate"},
	{`{"a":{"$bt":["$currentDate",1]}}`, ``, "$bt"},
	{`{"$where":"1"}`, ``, "$where"},
	{`{"a":{"$gt":true}}`, ``, "$gt"},
	{`{"field":{"$gt":null}}`, ``, "field"},
	{`{"a":{"$lt":[1]}}`, ``, "$lt"},
	{`{"a":{"$in":1}}`, ``, "$in"},
	{`{"a":{"$nin":{}}}`, ``, "$nin"},
	{`{"a":{"$bt":[1]}}`, ``, "$bt"},
	{`{"a":{"$bt":[1,"2"]}}`, ``, "$bt"},
	{`{"a":{"$bt":[{},{}]}}`, ``, "$bt"},
	{`{"a":{"$exists":"yes"}}`, ``, "$exists"},
	{`{"a":{"$elemMatch":1}}`, ``, "$elemMatch"},
	{`{"a":{"$elemMatch":{"$bad":1}}}`, ``, "$bad"},
	{`{"a":{"$regex":1}}`, ``, "$regex"},
	{`{"a":{"$regex":"("}}`, ``, "$regex"},
	{`{"a":{"$regex":"(?=x)"}}`, ``, "$regex"},
	{`{"a":{"$regex":"a{2000}"}}`, ``, "$regex"},
	{`{"a":{"$regex":"x","$options":"g"}}`, ``, "$options"},
	{`{"a":{"$options":"i"}}`, ``, "$options"},
	{`{"a":{"$gt":1,"b":2}}`, ``, "mixes"},
	{`{"a":{"b":{"$gt":2}}}`, ``, "$gt"},
	{`{"a":{"$in":[{"$regex":"x"}]}}`, ``, "$regex"},
	{`{"$or":{}}`, ``, "$or"},
	{`{"$or":[]}`, ``, "$or"},
	{`{"$and":[1]}`, ``, "$and"},
	{`{"a..b":1}`, ``, "a..b"},
	{`{"":1}`, ``, "path"},
	{`{"a":"\u0000"}`, ``, `\u0000`},
	{`{"a":"\ud800"}`, ``, "surrogate"},
	{`{"a":1e9999}`, ``, "out of range"},
	{`[1]`, ``, "object"},
	{`{"a":`, ``, "JSON"},
	{` `, ``, "JSON"},
	{"{\"a\":\"\xff\"}", ``, "UTF-8"},
	{`{"a":` + strings.Repeat(`{"$not":`, 40) + `{"$gt":1}` + strings.Repeat(`}`, 41), ``, "nested"},
	{`{"a":{"$in":[` + strings.Repeat("1,", 1000) + `1]}}`, ``, "conditions"},
	{``, `{"$max":10001}`, "$max"},
	{``, `{"$max":-1}`, "$max"},
	{``, `{"$max":"5"}`, "$max"},
	{``, `{"$skip":1.5}`, "$skip"},
	{``, `{"$orderby":{"a":2}}`, "$orderby"},
	{``, `{"$orderby":["a"]}`, "$orderby"},
	{``, `{"$orderby":{"$a":1}}`, "$orderby"},
	{``, `{"$fields":{"a":1,"b":0}}`, "$fields"},
	{``, `{"$fields":{"a":2}}`, "$fields"},
	{``, `{"$fields":"a"}`, "$fields"},
	{``, `[]`, "object"},
	{``, `{"$nope":1}`, "$nope"},
	{``, `{"$totals":1}`, "$totals"},
	{``, `{"$flatten":"yes"}`, "$flatten"},
	{``, `{"$metafields":{}}`, "$metafields"},
	{``, `{"$filter":7}`, "$filter"},
	{``, `{"$filter":"` + strings.Repeat("w ", 21) + `"}`, "$filter"},
	{``, `{"$groupby":"a"}`, "$groupby"},
	{``, `{"$groupby":[]}`, "$groupby"},
	{``, `{"$groupby":[1]}`, "$groupby"},
	{``, `{"$groupby":["$YEAR"]}`, "$YEAR"},
	{``, `{"$groupby":["$WEEK:a"]}`, "$WEEK"},
	{``, `{"$groupby":["$DATE.:a"]}`, "$DATE"},
	{``, `{"$groupby":["$DATE.MMM:"]}`, "$groupby"},
	{``, `{"$groupby":["a","b","c","d","e","f","g","h","i"]}`, "$groupby"},
	{``, `{"$aggregate":"SUM:a"}`, "$aggregate"},
	{``, `{"$aggregate":["MEDIAN:a"]}`, "MEDIAN"},
	{``, `{"$aggregate":["SUM"]}`, "SUM"},
	{``, `{"$aggregate":["SUM:a","SUM:a"]}`, "twice"},
	{``, `{"$aggregate":["SUM:a..b"]}`, "SUM"},
	{``, `{"$groupby":["a"],"$aggregate-grand-total":true}`, "$aggregate-grand-total"},
	{``, `{"$aggregate":["SUM:a"],"$aggregate-grand-total":1}`, "$aggregate-grand-total"},
}

func TestRefusedQueries(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, people...)
		for _, c := range refusedQueries {
			_, err := s.Find(t.Context(), app, collection, json.RawMessage(c.query), json.RawMessage(c.hint))
			if e, ok := errors.AsType[*hooks.Error](err); !ok || e.Status != 400 || !strings.Contains(e.Message, c.names) {
				t.Errorf("%.80q %q: got %v, want a 400 naming %q", c.query, c.hint, err, c.names)
			}
		}
	})
}
