package store_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"gaff/hooks"
)

// people is the fixture of the query cases.
var people = []hooks.Change{
	document("a", `"name":"Ann","age":31,"tags":["x","y"],"address":{"city":"Oslo","zip":"0150"},"born":"1990-02-01"`),
	document("b", `"name":"Bob","age":31.0,"tags":[],"address":{"city":"Bergen"},"active":true,"score":-5`),
	document("c", `"name":"ann","age":"31","tags":"x","address":null,"active":false,"born":"1985-12-24"`),
	document("d", `"name":"Dag","age":null,"tags":[["x"],{"k":1}],"items":[{"sku":"p1","n":1},{"sku":"p2","n":5}]`),
	document("e", `"name":"Éva\nline two","age":9007199254740993,"items":[{"sku":"p1","n":5},7,null],"score":1e3`),
	document("f", `"name":"","age":9007199254740992,"tags":[null,1,2.50],"address":{"city":["Oslo","Rome"],"zip":{"a":1,"b":[2]}}`),
	document("g", `"nested":{"deep":{"er":{"v":true}}},"weird key\"'$1--":"w","matrix":[[1,2],[3]]`),
}

var queryCases = []struct{ query, want string }{
	{``, "abcdefg"},
	{`null`, "abcdefg"},
	{`{}`, "abcdefg"},
	{`{"name":"Ann"}`, "a"},
	{`{"name":"Ann","age":31}`, "a"},
	{`{"name":"Ann","age":32}`, ""},
	{`{"Name":"Ann"}`, ""},
	{`{"_id":"c"}`, "c"},
	{`{"$and":[{"_id":"c"},{"name":"Ann"}]}`, ""},
	{`{"_id":{"$in":["a","g","zz"]}}`, "ag"},
	{`{"_id":{"$not":"a"}}`, "bcdefg"},
	{`{"_id":{"$gt":"e"}}`, "fg"},
	{`{"_id":5}`, ""},
	{`{"_id":null}`, ""},
	{`{"_id":{"$regex":"[ab]"}}`, "ab"},
	{`{"age":31}`, "ab"},
	{`{"age":3.1e1}`, "ab"},
	{`{"age":"31"}`, "c"},
	{`{"age":9007199254740993}`, "e"},
	{`{"score":-5}`, "b"},
	{`{"score":1000}`, "e"},
	{`{"age":null}`, "dg"},
	{`{"address.city":null}`, "cdeg"},
	{`{"active":true}`, "b"},
	{`{"active":{"$ne":true}}`, "acdefg"},
	{`{"active":null}`, "adefg"},
	{`{"tags":"x"}`, "ac"},
	{`{"tags":["x","y"]}`, "a"},
	{`{"tags":["y","x"]}`, ""},
	{`{"tags":["x"]}`, "d"},
	{`{"tags":[]}`, "b"},
	{`{"tags":{"k":1.0}}`, "d"},
	{`{"tags":null}`, "efg"},
	{`{"tags":2.5}`, "f"},
	{`{"tags.k":1}`, "d"},
	{`{"matrix":1}`, ""},
	{`{"matrix":[3]}`, "g"},
	{`{"matrix":{"$gt":0}}`, ""},
	{`{"address":{"zip":"0150","city":"Oslo"}}`, "a"},
	{`{"address.city":"Oslo"}`, "af"},
	{`{"address.zip":{"b":[2],"a":1}}`, "f"},
	{`{"address.zip.a":1}`, "f"},
	{`{"address.zip.b":2}`, "f"},
	{`{"nested.deep.er.v":true}`, "g"},
	{`{"nested.deep.er":{}}`, ""},
	{`{"items.sku":"p2"}`, "d"},
	{`{"items.sku":"p1","items.n":5}`, "de"},
	{`{"items":{"$elemMatch":{"sku":"p1","n":5}}}`, "e"},
	{`{"items":{"$elemMatch":{"n":{"$gt":1,"$lt":6}}}}`, "de"},
	{`{"items":{"$elemMatch":{"$gt":6}}}`, "e"},
	{`{"items":{"$elemMatch":{"$exists":true}}}`, "de"},
	{`{"items":{"$elemMatch":{"$eq":null}}}`, "e"},
	{`{"items":{"$elemMatch":{"$or":[{"n":1},{"sku":"nope"}]}}}`, "d"},
	{`{"matrix":{"$elemMatch":{"$elemMatch":{"$gte":3}}}}`, "g"},
	{`{"matrix":{"$elemMatch":{"$eq":[1,2]}}}`, "g"},
	{`{"matrix":{"$elemMatch":{"$eq":3}}}`, ""},
	{`{"name":{"$elemMatch":{"$eq":"Ann"}}}`, ""},
	{`{"age":{"$gt":31}}`, "ef"},
	{`{"age":{"$gte":31}}`, "abef"},
	{`{"age":{"$gt":9007199254740992}}`, "e"},
	{`{"age":{"$lt":"4"}}`, "c"},
	{`{"age":{"$gt":30,"$lt":32}}`, "ab"},
	{`{"age":{"$bt":[31,31]}}`, "ab"},
	{`{"born":{"$bt":["1985-01-01","1990-02-01"]}}`, "ac"},
	{`{"born":{"$lt":"1990"}}`, "c"},
	{`{"tags":{"$gt":2}}`, "f"},
	{`{"tags":{"$bt":[2,3]}}`, "f"},
	{`{"name":{"$gt":"Z"}}`, "ce"},
	{`{"name":{"$in":["Ann","Bob",null]}}`, "abg"},
	{`{"name":{"$in":[]}}`, ""},
	{`{"name":{"$nin":["Ann","Bob"]}}`, "cdefg"},
	{`{"name":{"$nin":["Ann",null]}}`, "bcdef"},
	{`{"tags":{"$in":[["x"],1]}}`, "df"},
	{`{"name":{"$not":"Ann"}}`, "bcdefg"},
	{`{"age":{"$not":{"$gt":31}}}`, "abcdg"},
	{`{"name":{"$not":{"$regex":"n"}}}`, "bdfg"},
	{`{"tags":{"$not":{"$elemMatch":{"$eq":"x"}}}}`, "bcdefg"},
	{`{"active":{"$exists":true}}`, "bc"},
	{`{"address":{"$exists":false}}`, "deg"},
	{`{"address.city":{"$exists":true}}`, "abf"},
	{`{"age":{"$exists":true}}`, "abcdef"},
	{`{"$or":[{"name":"Ann"},{"age":"31"}]}`, "ac"},
	{`{"$or":[{"name":"Ann"},{"name":"Bob"}],"age":{"$gt":30}}`, "ab"},
	{`{"$and":[{"$or":[{"_id":"a"},{"_id":"b"}]},{"active":true}]}`, "b"},
	{`{"name":{"$regex":"^A"}}`, "a"},
	{`{"name":{"$regex":"^a","$options":"i"}}`, "ac"},
	{`{"name":{"$options":"i","$regex":"É"}}`, "e"},
	{`{"name":{"$regex":"é","$options":"i"}}`, "e"},
	{`{"name":{"$regex":"^line"}}`, ""},
	{`{"name":{"$regex":"^line","$options":"m"}}`, "e"},
	{`{"name":{"$regex":"a.l"}}`, ""},
	{`{"name":{"$regex":"a.l","$options":"s"}}`, "e"},
	{`{"name":{"$regex":"\\bA\\w{2}$"}}`, "a"},
	{`{"name":{"$regex":"^$"}}`, "f"},
	{`{"name":{"$regex":"[^\\x00-\\x7f]"}}`, "e"},
	{`{"name":{"$regex":"(?:Bo|Da)[bg]"}}`, "bd"},
	{`{"tags":{"$regex":"x"}}`, "ac"},
	{`{"address.zip":{"$regex":"\\d{4}"}}`, "a"},
	{`{"weird key\"'$1--":"w"}`, "g"},
	{`{"weird key\"'$1--":{"$regex":"w|'; DROP TABLE documents; --"}}`, "g"},
	{`{"name":"'; DROP TABLE documents; --"}`, ""},
	{`{"x\" ? (@ == 1) || $.\"name":{"$exists":true}}`, ""},
	{`{"name\") || (1=1":"x"}`, ""},
	{`{"tags.0":"x"}`, "ad"},
	{`{"tags[1]":"y"}`, "a"},
	{`{"tags.0":["x"]}`, "d"},
	{`{"tags.0":null}`, "bcefg"},
	{`{"tags.0":{"$exists":true}}`, "adf"},
	{`{"tags.1":{"$gt":0}}`, "f"},
	{`{"tags.0":{"$regex":"x"}}`, "ad"},
	{`{"tags.0.0":"x"}`, "d"},
	{`{"tags.1.k":1}`, "d"},
	{`{"items[1].sku":"p2"}`, "d"},
	{`{"items.0.n":{"$lt":3}}`, "d"},
	{`{"items.0.n":{"$in":[1,5]}}`, "de"},
	{`{"items.7":{"$exists":false}}`, "abcdefg"},
	{`{"items.00.sku":"p1"}`, "de"},
	{`{"matrix.0.1":2}`, "g"},
	{`{"matrix.0":{"$elemMatch":{"$gt":1}}}`, "g"},
	{`{"matrix.0":2}`, "g"},
	{`{"address.zip.b.0":2}`, "f"},
	{`{"address.city.1":"Rome"}`, "f"},
	{`{"address.city.0":{"$ne":"Oslo"}}`, "abcdeg"},
	{`{"name.0":"A"}`, ""},
	{`{"born":{"$gte":{"$date":"1990-01-01"}}}`, "a"},
	{`{"born":{"$date":"1985-12-24"}}`, "c"},
	{`{"born":{"$gt":{"$date":"1985-12-24T12:00:00+14:00"}}}`, "ac"}, // which is the day before in UTC
	{`{"born":{"$bt":[{"$date":0},{"$date":"$currentDate"}]}}`, "ac"},
	{`{"born":{"$lt":"$currentDate"}}`, "ac"},
	{`{"born":{"$lt":"$currentMonth"}}`, "ac"},
	{`{"born":{"$gt":"$currentYear"}}`, ""},
	{`{"born":{"$in":["$currentDate",{"$date":"1990-02-01"}]}}`, "a"},
	{`{"name":{"$not":"$currentDate"}}`, "abcdefg"},
	{`{"name":{"$gt":"\" || true"}}`, "abcde"},
}

func TestQueries(t *testing.T) {
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, people...)
		if err := s.Write(t.Context(), app, "other", []hooks.Change{document("z", `"name":"Ann"`)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(t.Context(), "foreign", collection, []hooks.Change{document("y", `"name":"Ann"`)}); err != nil {
			t.Fatal(err)
		}
		for _, c := range queryCases {
			if got := strings.Join(find(t, s, c.query, ""), ""); got != c.want {
				t.Errorf("%s: got %q, want %q", c.query, got, c.want)
			}
		}
	})
}

func TestHints(t *testing.T) {
	cases := []struct{ query, hint, want string }{
		{`{}`, `{"$max":2}`, "ab"},
		{`{}`, `{"$max":0}`, ""},
		{`{}`, `{"$max":2,"$skip":3}`, "de"},
		{`{}`, `{"$skip":99}`, ""},
		{`{}`, `{"#headers":{"x":"1"},"#usersession":{},"note":1,"$max":1}`, "a"},
		{`{}`, `{"$orderby":{"_id":-1}}`, "gfedcba"},
		{`{}`, `{"$orderby":{"name":1}}`, "gfabdce"},
		{`{}`, `{"$orderby":{"name":-1},"$max":3}`, "ecd"},
		{`{}`, `{"$orderby":{"age":1}}`, "dgabfec"},
		{`{}`, `{"$orderby":{"age":-1}}`, "cefabdg"},
		{`{}`, `{"$orderby":{"age":1,"_id":-1}}`, "gdbafec"},
		{`{}`, `{"$orderby":{"active":-1,"name":1},"$skip":1,"$max":2}`, "cg"},
		{`{}`, `{"$orderby":{"tags":1}}`, "egcabdf"},
		{`{}`, `{"$orderby":{"address.city":1,"name":-1}}`, "ecdgbaf"},
		{`{"name":"Ann"}`, `{"$orderby":{"name":1},"$max":5}`, "a"},
		{`{"tags":"x"}`, `{"$orderby":{"age":-1}}`, "ca"},
		{`{}`, `{"$orderby":{"tags.0":1}}`, "bcefgad" /* nothing and null, text, lists */},
		{`{}`, `{"$orderby":{"matrix[0][1]":-1}}`, "gabcdef"},
		{`{}`, `{"$filter":"ann"}`, "ac"},
		{`{}`, `{"$filter":"BERGEN bob"}`, "b"},
		{`{}`, `{"$filter":"é two"}`, "e"},
		{`{}`, `{"$filter":"x"}`, "acd"},
		{`{}`, `{"$filter":"  "}`, "abcdefg"},
		{`{}`, `{"$filter":"a.*b'; --"}`, ""},
		{`{"age":31}`, `{"$filter":"oslo"}`, "a"},
	}
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, people...)
		for _, c := range cases {
			if got := strings.Join(find(t, s, c.query, c.hint), ""); got != c.want {
				t.Errorf("%s %s: got %q, want %q", c.query, c.hint, got, c.want)
			}
		}
	})
}

func TestFields(t *testing.T) {
	stored := `"b":1.0,"a":{"x":1,"y":[{"p":1,"q":2},3]},"c":"\u00e5"`
	cases := []struct{ hint, want string }{
		{`{"$fields":{}}`, `{"_id":"1","_version":0,"b":1.0,"a":{"x":1,"y":[{"p":1,"q":2},3]},"c":"\u00e5"}`},
		{`{"$fields":{"c":1,"b":true}}`, `{"_id":"1","b":1.0,"c":"\u00e5"}`},
		{`{"$fields":{"a":0,"_id":0}}`, `{"_version":0,"b":1.0,"c":"\u00e5"}`},
		{`{"$fields":{"a.y.p":1}}`, `{"_id":"1","a":{"y":[{"p":1}]}}`},
		{`{"$fields":{"a.y.p":0,"c":0}}`, `{"_id":"1","_version":0,"b":1.0,"a":{"x":1,"y":[{"q":2},3]}}`},
		{`{"$fields":{"a":1,"a.x":1}}`, `{"_id":"1","a":{"x":1,"y":[{"p":1,"q":2},3]}}`},
		{`{"$fields":{"b.c":1,"nothing":1}}`, `{"_id":"1"}`},
		{`{"$fields":{"b.c":0}}`, `{"_id":"1","_version":0,"b":1.0,"a":{"x":1,"y":[{"p":1,"q":2},3]},"c":"\u00e5"}`},
	}
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		write(t, s, document("1", stored))
		for _, c := range cases {
			found, err := s.Find(t.Context(), app, collection, nil, json.RawMessage(c.hint))
			if err != nil || len(found.List) != 1 || string(found.List[0]) != c.want {
				t.Errorf("%s: got %s, %v, want %s", c.hint, found.List, err, c.want)
			}
		}
	})
}

// What comes back is the text that was written.
func TestText(t *testing.T) {
	texts := []string{
		`{"_id":"k","_version":0,"z":1,"a":2,"m":{"y":1,"b":2}}`,
		"{ \"_id\" : \"k\" ,\n \"n\":1.0,\"big\":123456789012345678901234567890,\"e\":1E+5,\"minus\":-0 }",
		`{"_id":"k","s":"\u00e5 å 😀 \ud83d\ude00 \u2028 \/ <>&","":"empty name"}`,
		`{"_id":"k","twice":1,"twice":2}`,
		`{"_id":"k","long":"` + strings.Repeat("x", 1<<20) + `"}`,
	}
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		for i, text := range texts {
			version := int64(0)
			change := hooks.Change{ID: "k", Document: json.RawMessage(text), Insert: i == 0, Version: version}
			write(t, s, change)
			got, err := s.Get(t.Context(), app, collection, "k")
			if err != nil || string(got) != text {
				t.Errorf("got %.200s, %v, want %.200s", got, err, text)
			}
		}
	})
}

func TestRefusedDocuments(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64)
	cases := []struct {
		change hooks.Change
		code   hooks.Code
	}{
		{document("n", `"a":"x\u0000"`), hooks.CodeBadRequest},
		{document("n", `"a\u0000":1`), hooks.CodeBadRequest},
		{document("n", `"a":"\udc00"`), hooks.CodeBadRequest},
		{document("n", `"a":"\ud800x"`), hooks.CodeBadRequest},
		{document("n", `"a":"\ud800\u0041"`), hooks.CodeBadRequest},
		{document("n", `"a":"\ud800\ud800"`), hooks.CodeBadRequest},
		{document("n", `"a":1e1001`), hooks.CodeBadRequest},
		{document("n", `"a":1e-1001`), hooks.CodeBadRequest},
		{document("n", `"a":1e99999999999999999999`), hooks.CodeBadRequest},
		{document("n", `"a":`+strings.Repeat("9", 1001)), hooks.CodeBadRequest},
		{document("n", "\"a\":\"\xff\""), hooks.CodeBadRequest},
		{document("n", `"a":`), hooks.CodeBadRequest},
		{document("n", `"a":`+deep), hooks.CodeTooLarge},
		{hooks.Change{ID: "n", Document: json.RawMessage(`[]`), Insert: true}, hooks.CodeBadRequest},
		{hooks.Change{ID: "n", Document: json.RawMessage(``), Insert: true}, hooks.CodeBadRequest},
		{hooks.Change{ID: "", Document: json.RawMessage(`{}`), Insert: true}, hooks.CodeBadRequest},
		{hooks.Change{ID: "a\x00b", Document: json.RawMessage(`{}`), Insert: true}, hooks.CodeBadRequest},
		{hooks.Change{ID: "\xff", Document: json.RawMessage(`{}`), Insert: true}, hooks.CodeBadRequest},
	}
	eachStore(t, func(t *testing.T, open opener) {
		s := open.must(t)
		for _, c := range cases {
			err := s.Write(t.Context(), app, collection, []hooks.Change{c.change})
			if e, ok := errors.AsType[*hooks.Error](err); !ok || e.Code != c.code {
				t.Errorf("%.80q %.80s: got %v, want %s", c.change.ID, c.change.Document, err, c.code)
			}
		}
		if got := find(t, s, "", ""); !slices.Equal(got, []string{}) {
			t.Errorf("refused documents are there: %q", got)
		}
		for _, id := range []string{"none", "a\x00b", "\xff", strings.Repeat("x", 10_000), "'; --"} {
			_, err := s.Get(t.Context(), app, collection, id)
			if e, ok := errors.AsType[*hooks.Error](err); !ok || e.Code != hooks.CodeNotFound {
				t.Errorf("get %.20q: got %v, want NOT_FOUND", id, err)
			}
		}
	})
}
