package script_test

import (
	"fmt"
	"strings"
	"testing"

	"gaff/script"
)

// TestCoverage counts what runs of some sources.
func TestCoverage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files script.Files
		want  string
	}{
		"branches": {
			files: script.Files{"main.js": `'use strict';
var unset;
const limit = 3;
function beforePOST(req, res) {
  'use strict';
  if (req.body.n > limit) return res.end({error: 'no'});
  else if (req.body.n < 0) throw new Error('negative');
  for (var i = 0; i < 2; i++) unset = i;
  while (false) unset = 1;
  outer: for (;;) { break outer; }
  switch (unset) { case 1: res.end(); break; default: later(); }
}
function later() {
  return 1;
}
class C { m() { return 2; } }
`},
			want: "main.js 11/17",
		},
		"arrows": {
			files: script.Files{"main.js": "const f = (x) => x + 1, g = (y) => ({y}), h = (z = () => 1) => { z; };\n" +
				"exports.beforePOST = (req, res) => res.end({data: {n: f(1)}});"},
			want: "main.js 4/7",
		},
		"modules": {
			files: script.Files{
				"main.js":  "const lib = require('./lib');\nfunction beforePOST(req, res) { lib.one(); res.end(); }",
				"lib.js":   "exports.one = function () { return 1; };\nexports.two = function () { return require('./da' + 'ta'); };\n",
				"data.js":  "module.exports = 1;",
				"more.ts":  "export const x = 1;",
				"own.json": "{}",
			},
			want: "lib.js 3/4 main.js 3/3",
		},
		"typescript": {
			files: script.Files{
				"main.js": "exports.beforePOST = require('./ts').default;",
				"ts.ts": `import { one } from './lib';
import type { T } from './types';
interface Unused { a: string }
export const two: number = one() + 1;
export default async function (req: any, res: any): Promise<void> {
  const [a = two] = [];
  if (req.body?.n ?? false) {
    res.end({ error: 'n' });
    return;
  }
  res.end();
}
`,
				"lib.js":   "exports.one = () => 1;",
				"types.ts": "export type T = 1;",
			},
			want: "lib.js 2/2 main.js 1/1 ts.ts 5/7",
		},
		"own runtime": {
			files: script.Files{"main.js": "globalThis.x = 1;\nfunction beforePOST(req, res) { res.end(Object.keys(globalThis).indexOf('#ran')); x++; }\nfunction never() { return; }"},
			want:  "main.js 3/4",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			coverage := &script.Coverage{}
			for range 2 {
				p, err := coverage.Compile(c.files, "main.js")
				if err != nil {
					t.Fatal(err)
				}
				if got := covered(coverage); strings.Contains(got, " 0/") != (strings.Count(got, " 0/") == strings.Count(got, "/")) {
					t.Errorf("some statements count before anything has run: %s", got)
				}
				res := engine(t).Run(t.Context(), p, &script.Call{Function: "beforePOST"})
				if res.Err != nil {
					t.Fatal(res.Err)
				}
				if got := covered(coverage); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
			}
		})
	}
}

func covered(c *script.Coverage) string {
	var out []string
	for _, f := range c.Files() {
		out = append(out, fmt.Sprintf("%s %d/%d", f.File, f.Covered, f.Statements))
	}
	return strings.Join(out, " ")
}
