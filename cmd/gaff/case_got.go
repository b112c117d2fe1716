package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// got is what a case should expect by two runs of it: of what it expects already only the parts that differ, in the
// shape in which it expects them, or everything if it expects nothing. What differs from run to run is left out.
func (c *testCase) got(first, second *outcome) []field {
	wrong := c.Expect.wrong(first)
	var fields []field
	add := func(name string, value []byte) {
		if value != nil {
			fields = append(fields, field{name, value})
		}
	}
	if wrong["verdict"] {
		add("verdict", c.Expect.verdict(steady(first.verdict, second.verdict)))
	}
	if wrong["log"] {
		add("log", encoded(steadyLines(first.texts(), second.texts())))
	}
	if wrong["calls"] {
		add("calls", c.Expect.called(steady(callsOf(first), callsOf(second))))
	}
	if wrong["documents"] {
		add("documents", c.found(first, second))
	}
	if wrong["end"] {
		add("end", steady(encoded(first.end), encoded(second.end)))
	}
	return fields
}

// field is one key of a mapping.
type field struct {
	name  string
	value json.RawMessage
}

// object is a JSON object of the fields.
func object(fields []field) []byte {
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, encoded(f.name)...), ':'), f.value...)
	}
	return append(out, '}')
}

// wrong names the keys of expect that an outcome contradicts; all that say something if there is none yet.
func (e *expectation) wrong(o *outcome) map[string]bool {
	wrong := map[string]bool{}
	if e.empty() {
		wrong["verdict"], wrong["log"] = true, len(o.texts()) > 0
		wrong["calls"], wrong["documents"] = len(called(o.records)) > 0, true
		wrong["end"] = o.end != ""
		return wrong
	}
	for _, d := range e.compare(o) {
		name, _, _ := strings.Cut(d.Path, ".")
		name, _, _ = strings.Cut(name, "[")
		wrong[name] = true
	}
	if e.failures(o) != nil {
		wrong["verdict"] = true
	}
	return wrong
}

// verdict is whole if the status is another one, or something went wrong.
func (e *expectation) verdict(got json.RawMessage) []byte {
	want, status := gjson.ParseBytes(e.Verdict), gjson.GetBytes(got, "status")
	if e.Verdict == nil || !equal(want.Get("status"), status) || gjson.GetBytes(got, "warnings").Exists() {
		return got
	}
	return shaped(want, gjson.ParseBytes(got))
}

func (e *expectation) called(got json.RawMessage) []byte {
	if e.Calls == nil {
		return got
	}
	return shaped(gjson.ParseBytes(encoded(*e.Calls)), gjson.ParseBytes(got))
}

// callsOf are the calls without their results, which are seldom what a case is about.
func callsOf(o *outcome) json.RawMessage {
	calls := called(o.records)
	for i := range calls {
		calls[i].Result, calls[i].Error = nil, nil
	}
	return encoded(calls)
}

// found are the documents of the collections that the case expects, or of those that the event has changed.
func (c *testCase) found(first, second *outcome) []byte {
	var fields []field
	for _, name := range slices.Sorted(maps.Keys(first.documents)) {
		want, expected := c.Expect.Documents[name]
		if c.Expect.Documents != nil && !expected {
			continue
		}
		a, b := byContent(first.documents[name]), byContent(second.documents[name])
		var differ mismatches
		differ.documents("", c.Documents[name], a)
		if !expected && differ == nil {
			continue
		}
		list := steady(encoded(a), encoded(b))
		if list == nil {
			continue
		}
		if expected {
			list = shapedDocuments(want, list)
		}
		fields = append(fields, field{name, list})
	}
	if fields == nil {
		return nil
	}
	return object(fields)
}

// shapedDocuments gives each document the shape of the wanted one that it is compared with.
func shapedDocuments(want []raw, list json.RawMessage) []byte {
	var got []json.RawMessage
	for _, d := range gjson.ParseBytes(list).Array() {
		got = append(got, json.RawMessage(d.Raw))
	}
	out := []json.RawMessage{}
	for i, at := range pair(want, got) {
		switch {
		case at < 0:
		case i >= len(want):
			out = append(out, got[at])
		default:
			out = append(out, shaped(gjson.ParseBytes(want[i]), gjson.ParseBytes(got[at])))
		}
	}
	return encoded(out)
}

// shaped is got in the parts that want names; what is as wanted stays as it is written.
func shaped(want, got gjson.Result) json.RawMessage {
	switch {
	case want.IsObject() && got.IsObject():
		var fields []field
		has := fieldsOf(got)
		want.ForEach(func(k, v gjson.Result) bool {
			if g := has[k.Str]; g.Exists() {
				fields = append(fields, field{k.Str, shaped(v, g)})
			}
			return true
		})
		return object(fields)
	case want.IsArray() && got.IsArray():
		wanted, out := want.Array(), []json.RawMessage{}
		for i, g := range got.Array() {
			if i < len(wanted) {
				out = append(out, shaped(wanted[i], g))
			} else {
				out = append(out, json.RawMessage(g.Raw))
			}
		}
		return encoded(out)
	case equal(want, got):
		return json.RawMessage(want.Raw)
	}
	return json.RawMessage(got.Raw)
}

// anything stands in a list for what differs from run to run.
const anything = `"/.*/"`

// steady is what two runs have in common, nil if nothing. The server's fields of documents say when something ran, and
// are left out too.
func steady(first, second json.RawMessage) json.RawMessage {
	return common(gjson.ParseBytes(first), gjson.ParseBytes(second))
}

func common(a, b gjson.Result) json.RawMessage {
	switch {
	case a.IsObject() && b.IsObject():
		fields := []field{}
		has := fieldsOf(b)
		a.ForEach(func(k, v gjson.Result) bool {
			if k.Str == "_created" || k.Str == "_changed" {
				return true
			}
			if value := common(v, has[k.Str]); value != nil {
				fields = append(fields, field{k.Str, value})
			}
			return true
		})
		return object(fields)
	case a.IsArray() && b.IsArray() && len(a.Array()) == len(b.Array()):
		out, other := []json.RawMessage{}, b.Array()
		for i, v := range a.Array() {
			value := common(v, other[i])
			if value == nil {
				value = json.RawMessage(anything)
			}
			out = append(out, value)
		}
		return encoded(out)
	case a.Raw == b.Raw && a.Exists():
		return json.RawMessage(a.Raw)
	case a.Type == gjson.String && b.Type == gjson.String:
		if text := commonText(a.Str, b.Str); text != "" {
			return encoded(text)
		}
	}
	return nil
}

// commonText is a text, or a regular expression of the words with which two begin and end, or nothing.
func commonText(a, b string) string {
	if a == b {
		return a
	}
	start, end := 0, 0
	for i := 0; i < min(len(a), len(b)) && a[i] == b[i]; i++ {
		if a[i] == ' ' {
			start = i + 1
		}
	}
	for i := 0; i < min(len(a), len(b))-start && a[len(a)-1-i] == b[len(b)-1-i]; i++ {
		if a[len(a)-1-i] == ' ' {
			end = i + 1
		}
	}
	if start+end == 0 {
		return ""
	}
	return "/(?s)^" + regexp.QuoteMeta(a[:start]) + ".*" + regexp.QuoteMeta(a[len(a)-end:]) + "$/"
}

// steadyLines are the lines that two runs have in common.
func steadyLines(first, second []string) []string {
	out := []string{}
	for i, line := range first[:min(len(first), len(second))] {
		if text := commonText(line, second[i]); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// byContent sorts documents by what does not depend on when they were made.
func byContent(documents []json.RawMessage) []json.RawMessage {
	key := func(d json.RawMessage) []byte {
		var fields []field
		gjson.ParseBytes(d).ForEach(func(k, v gjson.Result) bool {
			if !strings.HasPrefix(k.Str, "_") {
				fields = append(fields, field{k.Str, json.RawMessage(v.Raw)})
			}
			return true
		})
		return object(fields)
	}
	out := slices.Clone(documents)
	slices.SortStableFunc(out, func(a, b json.RawMessage) int { return bytes.Compare(key(a), key(b)) })
	return out
}
