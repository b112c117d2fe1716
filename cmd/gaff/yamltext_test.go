package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

func TestYAMLText(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		`1`:     "1\n",
		`"a b"`: "a b\n",
		`{}`:    "{}\n",
		`{"b":1,"a":[1,[2,{"c":null}],{}],"e":{"f":[]}}`:       "b: 1\na:\n  - 1\n  - - 2\n    - c: null\n  - {}\ne:\n  f: []\n",
		`[{"name":"x","n":1e3},"yes","1","a: b","x "]`:         "- name: x\n  n: 1e3\n- \"yes\"\n- \"1\"\n- \"a: b\"\n- \"x \"\n",
		`{"on":"two\nlines","*":"\u0007\u2028\ud83d\ude00\""}`: "\"on\": \"two\\nlines\"\n\"*\": \"\\u0007\\u2028\U0001f600\\\"\"\n",
	} {
		if got, err := yamlText([]byte(given)); err != nil || got != want {
			t.Errorf("%s:\n%s%v", given, got, err)
		}
	}
	for _, bad := range []string{"", "{", "[1", `{"a":}`, "1 2"} {
		if got, err := yamlText([]byte(bad)); err == nil {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

// TestYAMLTextReads: whatever JSON is written, it is read back the same.
func TestYAMLTextReads(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~\n\t\r]{0,12}`), rapid.SampledFrom([]string{
		"true", "Null", "~", "0x1", "1_000", "-", "- a", "a #b", "#", "---", "...", "<<", "=", "! x", "&a", "*a", "\u0085", "\ufeff", "é",
		"2001-01-01", ".5", "1:2", "/a b/", "on", "a\u00a0", "N",
	}))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			switch n := rapid.IntRange(0, 6).Draw(t, "kind"); {
			case n == 0:
				return nil
			case n == 1:
				return rapid.Bool().Draw(t, "bool")
			case n == 2:
				return json.Number(rapid.StringMatching(`-?[1-9][0-9]{0,12}(\.[0-9]{1,3})?`).Draw(t, "number"))
			case n == 3 && depth < 4:
				return rapid.SliceOfN(value(depth+1), 0, 4).Draw(t, "list")
			case n == 4 && depth < 4:
				return rapid.MapOfN(text, value(depth+1), 0, 4).Draw(t, "object")
			}
			return text.Draw(t, "text")
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		given, err := json.Marshal(map[string]any{"value": value(0).Draw(t, "value")})
		if err != nil {
			t.Fatal(err)
		}
		written, err := yamlText(given)
		if err != nil {
			t.Fatal(err)
		}
		var read any
		if err := yaml.NewDecoder(strings.NewReader(written)).Decode(&read); err != nil {
			t.Fatalf("%s\n%v", written, err)
		}
		got, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(parsed(t, given), parsed(t, got)) {
			t.Fatalf("given\n%s\nwritten\n%s\nread\n%s", given, written, got)
		}
	})
}

func parsed(t *rapid.T, b []byte) any {
	var v any
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
