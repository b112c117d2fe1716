package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// outcome is what came of a case.
type outcome struct {
	verdict   json.RawMessage
	records   []hooks.Record
	documents map[string][]json.RawMessage // of the collections that the case names
	end       string
}

// difference is one place where a case got something else than it wanted.
type difference struct {
	Path string          `json:"path"`
	Want json.RawMessage `json:"want,omitempty"` // absent: it should not be there
	Got  json.RawMessage `json:"got,omitempty"`  // absent: it is not there
}

// compare returns where an outcome is not as expected.
func (e *expectation) compare(o *outcome) []difference {
	var c mismatches
	if e.Verdict != nil {
		c.values("verdict", gjson.ParseBytes(e.Verdict), gjson.ParseBytes(o.verdict))
	}
	c.log(e.Log, o.texts())
	if e.Calls != nil {
		c.values("calls", gjson.ParseBytes(encoded(*e.Calls)), gjson.ParseBytes(o.calls()))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Documents)) {
		c.documents("documents."+name, e.Documents[name], o.documents[name])
	}
	if e.End != nil && !matches(*e.End, o.end, true) {
		c.add("end", encoded(*e.End), encoded(o.end))
	}
	return c
}

// texts are the log's lines without level and time.
func (o *outcome) texts() []string {
	texts := []string{}
	for _, l := range told(o.records) {
		texts = append(texts, l.Text)
	}
	return texts
}

func (o *outcome) calls() json.RawMessage { return encoded(called(o.records)) }

// mismatches collects differences.
type mismatches []difference

func (c *mismatches) add(path string, want, got json.RawMessage) {
	*c = append(*c, difference{path, want, got})
}

// values compares in part: of an object only the wanted fields, of a list every item. A wanted text /…/ is a regular
// expression for texts and numbers.
func (c *mismatches) values(path string, want, got gjson.Result) {
	switch {
	case !got.Exists():
		c.add(path, json.RawMessage(want.Raw), nil)
	case want.IsObject() && got.IsObject():
		fields := fieldsOf(got)
		want.ForEach(func(k, v gjson.Result) bool {
			c.values(path+"."+k.Str, v, fields[k.Str])
			return true
		})
	case want.IsArray() && got.IsArray():
		c.lists(path, want.Array(), got.Array())
	case !equal(want, got):
		c.add(path, json.RawMessage(want.Raw), json.RawMessage(got.Raw))
	}
}

func (c *mismatches) lists(path string, want, got []gjson.Result) {
	for i := range max(len(want), len(got)) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if i >= len(want) {
			c.add(at, nil, json.RawMessage(got[i].Raw))
			continue
		}
		item := gjson.Result{}
		if i < len(got) {
			item = got[i]
		}
		c.values(at, want[i], item)
	}
}

// log looks for each wanted text in a line behind that of the one before.
func (c *mismatches) log(want, got []string) {
	for i, text := range want {
		at := slices.IndexFunc(got, func(line string) bool { return matches(text, line, false) })
		if at < 0 {
			c.add(fmt.Sprintf("log[%d]", i), encoded(text), encoded(got))
			return
		}
		got = got[at+1:]
	}
}

// documents compares a collection whole, in any order.
func (c *mismatches) documents(path string, want []raw, got []json.RawMessage) {
	for i, at := range pair(want, got) {
		switch {
		case i >= len(want):
			c.add(fmt.Sprintf("%s[%d]", path, i), nil, got[at])
		case at < 0:
			c.add(fmt.Sprintf("%s[%d]", path, i), json.RawMessage(want[i]), nil)
		default:
			c.values(fmt.Sprintf("%s[%d]", path, i), gjson.ParseBytes(want[i]), gjson.ParseBytes(got[at]))
		}
	}
}

// pair returns for each wanted document the one that it is compared with, or -1, and behind them those that are too
// many. Documents that match go together, then those of the same _id, then the others in order.
func pair(want []raw, got []json.RawMessage) []int {
	taken := make([]int, len(got)) // by document, 1 + the number of the wanted one
	for i := range want {
		augment(want, got, taken, i, make([]bool, len(got)))
	}
	pairs := slices.Repeat([]int{-1}, len(want))
	for at, i := range taken {
		if i > 0 {
			pairs[i-1] = at
		}
	}
	for _, same := range []func(a raw, b json.RawMessage) bool{sameID, func(raw, json.RawMessage) bool { return true }} {
		for i := range pairs {
			for at := range got {
				if pairs[i] < 0 && taken[at] == 0 && same(want[i], got[at]) {
					pairs[i], taken[at] = at, i+1
				}
			}
		}
	}
	for at, i := range taken {
		if i == 0 {
			pairs = append(pairs, at)
		}
	}
	return pairs
}

// augment finds a document for the i-th wanted one; whoever has it looks for another.
func augment(want []raw, got []json.RawMessage, taken []int, i int, seen []bool) bool {
	for at := range got {
		if seen[at] || !fits(want[i], got[at]) {
			continue
		}
		seen[at] = true
		if taken[at] == 0 || augment(want, got, taken, taken[at]-1, seen) {
			taken[at] = i + 1
			return true
		}
	}
	return false
}

func fits(want raw, got json.RawMessage) bool {
	var c mismatches
	c.values("", gjson.ParseBytes(want), gjson.ParseBytes(got))
	return c == nil
}

func sameID(want raw, got json.RawMessage) bool {
	id := gjson.GetBytes(want, "_id")
	return id.Exists() && equal(id, gjson.GetBytes(got, "_id"))
}

func equal(want, got gjson.Result) bool {
	switch {
	case want.Type == gjson.String && got.Type != gjson.JSON && pattern(want.Str) != nil:
		return got.Type == gjson.String && want.Str == got.Str || pattern(want.Str).MatchString(got.String())
	case want.Type != got.Type:
		return false
	case want.Type == gjson.Number:
		return want.Raw == got.Raw || want.Num == got.Num && (!whole(want.Raw) || !whole(got.Raw))
	case want.Type == gjson.String:
		return want.Str == got.Str
	case want.Type == gjson.JSON:
		return false // an object and a list
	}
	return true
}

// whole reports whether a number is written as an integer, which may have more digits than a float keeps.
func whole(number string) bool { return !strings.ContainsAny(number, ".eE") }

// matches reports whether a line is as wanted: the text, or what the regular expression finds.
func matches(want, got string, exact bool) bool {
	if p := pattern(want); p != nil && p.MatchString(got) {
		return true
	}
	return want == got || !exact && strings.Contains(got, want)
}

// pattern returns the regular expression of a text /…/, or nil.
func pattern(text string) *regexp.Regexp {
	if len(text) < 3 || text[0] != '/' || text[len(text)-1] != '/' {
		return nil
	}
	p, err := regexp.Compile(text[1 : len(text)-1])
	if err != nil {
		return nil
	}
	return p
}

// checkPattern returns what is wrong with a text /…/ that is no regular expression.
func checkPattern(text string) error {
	if len(text) < 3 || text[0] != '/' || text[len(text)-1] != '/' {
		return nil
	}
	_, err := regexp.Compile(text[1 : len(text)-1])
	return err
}

func fieldsOf(object gjson.Result) map[string]gjson.Result {
	fields := map[string]gjson.Result{}
	object.ForEach(func(k, v gjson.Result) bool {
		fields[k.Str] = v
		return true
	})
	return fields
}

// encoded is a value of ours as JSON, its texts as people read them.
func encoded(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // texts, and JSON that was valid when it came in
	}
	return bytes.TrimSpace(b.Bytes())
}
