package script

import (
	"errors"
	"testing"

	"github.com/dop251/goja"
)

// TestEncode compares with JSON.stringify, value by value.
func TestEncode(t *testing.T) {
	t.Parallel()
	m := newMachine(false)
	m.run = &run{m: m}
	stringify, _ := goja.AssertFunction(m.js.Get("JSON").ToObject(m.js).Get("stringify"))
	for _, code := range []string{
		`undefined`, `null`, `true`, `1`, `-0`, `0.1`, `1e21`, `1e15`, `123456789012345680000`, `NaN`, `Infinity`, `-1e-7`,
		`"a\"\\\n\u0001\u2028é😀"`, `[1,,undefined,function(){}]`, `{a: undefined, b: function(){}, c: Symbol('x'), d: null}`,
		`new Date(0)`, `{toJSON(k) { return 'k' + k }}`, `{a: {toJSON(k) { return {k} }}}`, `[{toJSON(k) { return k }}]`,
		`new Map([[1, 2]])`, `new Set([1])`, `new String('s')`, `new Number(2)`, `new Boolean(false)`, `Symbol('x')`,
		`function f() {}`, `class A { constructor() { this.x = 1 } get y() { return 2 } }; new A()`, `Object.create({a: 1})`,
		`{2: 'b', 1: 'a', x: 'c'}`, `{get a() { return 1 }}`, `new Uint8Array([1, 2])`, `/x/`, `new Proxy({a: 1}, {})`,
		`new Proxy([1, 2], {})`, `Object.defineProperty({}, 'hidden', {value: 1})`, `[[[]]]`, `{"": {"": 1}}`,
		`{toJSON() { return undefined }}`, `[{toJSON() { return undefined }}]`,
	} {
		v, err := m.js.RunString("(function () { const v = eval(" + string(appendString(nil, "0,"+wrapLiteral(code))) + "); return v })()")
		if err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		want, err := stringify(goja.Undefined(), v)
		if err != nil {
			t.Fatal(err)
		}
		e := encoder{m: m}
		ok, err := e.encode(v, "")
		if err != nil {
			t.Errorf("%s: %v", code, err)
		}
		if got := string(e.out); ok == goja.IsUndefined(want) || ok && got != want.String() {
			t.Errorf("%s: got %v %s, want %s", code, ok, got, want)
		}
	}
}

func wrapLiteral(code string) string {
	if code[0] == 'c' { // a class and what is made of it
		return "(function () { class A { constructor() { this.x = 1 } get y() { return 2 } }; return new A() })()"
	}
	return "(" + code + ")"
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	m := newMachine(false)
	m.run = &run{m: m}
	for code, want := range map[string]error{
		`var a = {}; a.a = a; a`:                              errCycle,
		`var b = [[]]; b[0][0] = b; b`:                        errCycle,
		`var c = []; for (var i = 0; i < 70; i++) c = [c]; c`: errTooDeep,
		`new Array(1e9)`:                                      errTooLarge,
		`var s = 'x'.repeat(1e6); Array(20).fill(s)`:          errTooLarge,
		`10n`: errBigInt,
	} {
		v, err := m.js.RunString(code)
		if err != nil {
			t.Fatal(err)
		}
		e := encoder{m: m}
		if _, err := e.encode(v, ""); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", code, err, want)
		}
	}
}
