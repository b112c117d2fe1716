package script_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gaff/script"
)

// lastValues are files with the value of their last statement, as ECMAScript 2025 defines it (sections 14 and 16.1.6).
var lastValues = []struct{ source, want string }{
	{`1; 2`, `2`},
	{`var a = 1; a; var b = 2; function f() {} class C {} ;`, `1`},
	{`5; {}`, `5`},
	{`5; { var x = 7 }`, `5`},
	{`5; { 6; let y = 7 }`, `6`},
	{`5; if (false) 6`, ``},
	{`5; if (true) {}`, ``},
	{`5; if (true) 6; else 7`, `6`},
	{`5; if (false) 6; else { 7 }`, `7`},
	{`5; if (true) if (false) 6`, ``},
	{`5; for (var i = 0; i < 3; i++) i`, `2`},
	{`5; for (var i = 0; i < 3; i++) {}`, ``},
	{`5; for (var i = 0; i < 3; i++) { if (i == 1) break; i }`, ``},
	{`5; for (var i = 0; i < 3; i++) { i; if (i == 1) break; }`, ``},
	{`5; for (var i = 0; i < 3; i++) { i; { break } }`, `0`},
	{`5; for (var i = 0; i < 3; i++) { i * 10; if (i == 1) continue; i }`, `2`},
	{`for (const k in {a: 1, b: 2}) k`, `"b"`},
	{`for (const v of [4, 5]) { v; }`, `5`},
	{`var n = 0; while (n < 3) n++`, `2`},
	{`9; while (false);`, ``},
	{`do { 3; break; } while (true)`, `3`},
	{`1; do { 2; continue; 3 } while (false)`, `2`},
	{`5; do { -1; if (true) { break } } while (false)`, ``},
	{`5; switch (1) { case 1: 6; case 2: 7; break; case 3: 8 }`, `7`},
	{`5; switch (9) { case 1: 6 }`, ``},
	{`5; switch (9) { default: 6; case 1: { } }`, `6`},
	{`5; switch (2) { case 1: 6; break; case 2: }`, ``},
	{`try { 1 } catch (e) { 2 }`, `1`},
	{`5; try { 1; throw 0 } catch (e) {}`, ``},
	{`try { throw 3 } catch (e) { e }`, `3`},
	{`try { 1 } finally { 2 }`, `1`},
	{`try { throw 1 } catch (e) { 2 } finally { 3 }`, `2`},
	{`5; try {} finally { 2 }`, ``},
	{`do { 1; try { 2; continue } finally { 3; break } } while (false)`, `3`},
	{`do { 1; try { 2 } finally { break } } while (false)`, ``},
	{`try { try { 1 } finally { 2 } } finally { 3 }`, `1`},
	{`a: { 1; break a; 2 }`, `1`},
	{`5; a: { break a; 2 }`, `5`},
	{`5; a: for (var i = 0; i < 2; i++) { for (;;) { i; continue a } }`, `1`},
	{`5; b: if (true) { 6; break b; 7 }`, `6`},
	{`with ({q: 8}) q`, `8`},
	{`5; with ({}) {}`, ``},
	{`1; function g() { 2; return 3 } g(); var h = 4`, `3`},
	{`"use strict"; function main() { return {ok: this === undefined} } main();`, `{"ok":true}`},
	{`"use strict";`, ``},
	{`x = 1; y = x + 1; x + y`, `3`},
	{`var r = {a: 1}; r;`, `{"a":1}`},
	{`r = {}; r.status = 200; r`, `{"status":200}`},
	{`if (true) { let v = 1; v } else { let v = 2; v }`, `1`},
	{`for (let i = 0; i < 2; i++) { const c = i; c }`, `1`},
	{`5; switch (1) { case 1: let z = 9; z }`, `9`},
	{`(async () => 4)()`, `4`},
	{`Promise.resolve({then: (f) => f(6)})`, `6`},
	{`async function main() { await null; return 7 } main()`, `7`},
	{`null`, `null`},
	{`undefined`, ``},
	{`var data = data || 3; typeof data`, `"object"`},
	{`"use strict"; { let a = (function () { return this === undefined })(); a }`, `true`},
}

// TestLastValues holds every one of them in a pooled and in a new runtime, and with its statements counted.
func TestLastValues(t *testing.T) {
	t.Parallel()
	e := engine(t)
	for _, c := range lastValues {
		for _, v := range []script.Variant{{}, {Fresh: true}, {Plain: true}, {Counted: true}, {Fresh: true, Counted: true}} {
			var coverage *script.Coverage
			if v.Counted {
				coverage = &script.Coverage{}
			}
			p, err := coverage.Compile(script.Files{"main.js": c.source}, "main.js", "beforePOST")
			if err != nil {
				t.Errorf("%s: %v", c.source, err)
				continue
			}
			for range 2 {
				res := e.Run(context.Background(), p.As(v), &script.Call{})
				if got := string(res.Answer.Raw); got != c.want || res.Err != nil {
					t.Errorf("%+v %s: got %s %v, want %s", v, c.source, got, res.Err, c.want)
				}
			}
		}
	}
}

// TestLastValueEverywhere puts a file inside of each kind of statement, whose value is then that of the file.
func TestLastValueEverywhere(t *testing.T) {
	t.Parallel()
	e := engine(t)
	around := []string{
		`{ %s }`, `if (1) { %s }`, `if (0) 1; else { %s }`, `l%d: { %s }`, `do { %s } while (0)`, `try { %s } catch (e) {}`,
		`try { throw 1 } catch (e) { %s }`, `try { %s } finally { 99 }`, `for (var i%d = 0; i%[1]d < 1; i%[1]d++) { %s }`,
		`switch (1) { case 1: %s }`, `for (const k%d of [1]) { %s }`, `with ({}) { %s }`,
	}
	for i, a := range around {
		for j, b := range around {
			source := wrapIn(a, i, wrapIn(b, 100+j, `5; var z = 6; function f() {}`))
			p, err := script.Compile(script.Files{"main.js": source}, "main.js", "beforePOST")
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			if res := e.Run(context.Background(), p, &script.Call{}); string(res.Answer.Raw) != "5" {
				t.Errorf("%s: got %s %v", source, res.Answer.Raw, res.Err)
			}
		}
	}
}

func wrapIn(around string, n int, source string) string {
	return strings.ReplaceAll(strings.NewReplacer("%[1]d", fmt.Sprint(n), "%d", fmt.Sprint(n)).Replace(around), "%s", source)
}
