package script

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"pgregory.net/rapid"
)

// anyJSON draws a JSON value with keys that clash, look like indices or need escaping.
func anyJSON(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.IntRange(-1<<40, 1<<40), func(n int) any { return n }),
		rapid.Map(rapid.Float64Range(-1e6, 1e6), func(f float64) any { return f }),
		rapid.Map(rapid.StringMatching(`[a-zäß€😀"\\\n ]{0,8}`), func(s string) any { return s }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars,
		rapid.Map(rapid.SliceOfN(anyJSON(depth-1), 0, 4), func(s []any) any { return s }),
		rapid.Map(rapid.MapOfN(key(), anyJSON(depth-1), 0, 20), func(m map[string]any) any { return m }),
	)...)
}

func key() *rapid.Generator[string] {
	return rapid.SampledFrom(strings.Split("a b c d e 0 1 2 10 01 -1 4294967295 length constructor ä€ qu\"ote k1 k2 k3 k4 k5 k6 k7", " "))
}

func object() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		b, err := json.MarshalIndent(rapid.MapOfN(key(), anyJSON(2), 0, 24).Draw(t, "object"), "", strings.Repeat(" ", rapid.IntRange(0, 1).Draw(t, "indent")))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	})
}

// operations are snippets on the object o with a key k and a value v; each gives something to compare.
var operations = []string{
	`o[k]`, `o[k] = v`, `o[k] = undefined`, `delete o[k]`, `k in o`, `Object.keys(o)`, `Object.entries(o)`,
	`JSON.stringify(o)`, `JSON.stringify(o[k])`, `o.hasOwnProperty(k)`, `Object.assign({}, o)`, `typeof o[k]`,
	`o[k] === o[k]`, `var s = []; for (var x in o) s.push(x); s`, `Array.isArray(o[k])`, `o.a && (o.a.b = v)`,
	`Array.isArray(o.b) && (o.b.push(v), o.b.length)`, `String(o)`, `Object.values(o)`, `({...o})`, `o[k] = o` + `.c`,
	`var {a, ...rest} = o; rest`, `Array.isArray(o.c) && o.c.map(String)`, `Array.isArray(o.d) && o.d.reverse()`,
	`Object.prototype.toString.call(o)`, `o.toString = v; typeof o.toString`,
}

// TestLazyObjectIsLikePlain runs the same operations on a lazy object and on what JSON.parse gives.
func TestLazyObjectIsLikePlain(t *testing.T) {
	t.Parallel()
	m := newMachine(true)
	m.run = &run{m: m}
	rapid.Check(t, func(t *rapid.T) {
		raw := object().Draw(t, "raw")
		lazy, plain := goja.Value(m.lazy(raw)), m.parse(raw)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			code := rapid.SampledFrom(operations).Draw(t, "code")
			k := key().Draw(t, "key")
			v := rapid.OneOf(rapid.Just(`1`), rapid.Just(`"text"`), rapid.Just(`[1,{"x":2}]`), rapid.Just(`{"y":[]}`)).Draw(t, "value")
			a, b := operate(t, m, code, lazy, k, v), operate(t, m, code, plain, k, v)
			if a != b {
				t.Fatalf("%s with k = %q on %s:\nlazy  %s\nplain %s", code, k, raw, a, b)
			}
			compareEncoded(t, m, lazy, plain)
		}
	})
}

func operate(t *rapid.T, m *machine, code string, o goja.Value, k, v string) string {
	f, err := m.js.RunString(fmt.Sprintf(`(function (o, k, v) { return JSON.stringify(eval(%q)) })`, code))
	if err != nil {
		t.Fatal(err)
	}
	call, _ := goja.AssertFunction(f)
	out, err := call(goja.Undefined(), o, m.js.ToValue(k), m.parse(v))
	if err != nil {
		kind, _, _ := strings.Cut(err.Error(), ":") // the text names the kind of object in Go
		return kind
	}
	return out.String()
}

// compareEncoded compares our encoding of both with JSON.stringify of the plain one.
func compareEncoded(t *rapid.T, m *machine, lazy, plain goja.Value) {
	var want any
	stringify, _ := goja.AssertFunction(m.js.Get("JSON").ToObject(m.js).Get("stringify"))
	text, err := stringify(goja.Undefined(), plain)
	if err != nil {
		return // a cycle, which TestEncode has
	}
	if err := json.Unmarshal([]byte(text.String()), &want); err != nil {
		t.Fatal(err)
	}
	for _, v := range []goja.Value{lazy, plain} {
		e := encoder{m: m}
		if _, err := e.encode(v, ""); err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(e.out, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("encoded %s, JSON.stringify %s (%v)", e.out, text, err)
		}
	}
}

func TestDuplicateKeys(t *testing.T) {
	t.Parallel()
	m := newMachine(true)
	o := &lazyObject{m: m, raw: `{"a":1,"b":2,"a":3}`}
	if got := fmt.Sprint(o.Keys(), o.Get("a")); got != "[a b] 3" {
		t.Error(got)
	}
}
