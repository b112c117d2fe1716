package executor_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"gaff/hooks"
)

// spy tells what it finds of others, then leaves behind what it can: in globals, built-ins, prototypes, modules, in
// functions that outlive it, in values that it was given.
const spy = `
const lib = require('./lib.js');
var seen = 0;
function find(mark) {
  var found = [];
  function look(where, what) { if (what !== undefined) found.push(where + '=' + String(what).slice(0, 40)); }
  look('global', globalThis.left); look('object', ({}).left); look('array', [].left); look('text', 'x'.left);
  look('function', (function () {}).left); look('promise', Promise.left); look('json', JSON.left); look('math', Math.left);
  look('module', lib.left); look('state', lib.state.left); look('error', Error.prototype.left); look('db', db.left);
  look('context', context.left); look('settings', context.settings && context.settings.left); look('symbol', ({})[Symbol.for('left')]);
  look('date', Date.left); look('console', console.left);
  look('file scope', seen || undefined); look('iterator', Object.getPrototypeOf([][Symbol.iterator]()).left);
  if (JSON.stringify({a: 1}) !== '{"a":1}') look('stringify', 'changed');
  if ([3, 1, 2].sort().join() !== '1,2,3') look('sort', 'changed');
  if (Math.max(1, 2) !== 2) look('max', 'changed');
  return found;
}
function leave(mark) {
  seen = mark;
  var tries = [
    function () { globalThis.left = mark; }, function () { left = mark; }, function () { Object.prototype.left = mark; },
    function () { Array.prototype.left = mark; }, function () { String.prototype.left = mark; }, function () { Function.prototype.left = mark; },
    function () { Promise.left = mark; }, function () { JSON.left = mark; }, function () { JSON.stringify = function () { return mark; }; },
    function () { Math.max = function () { return mark; }; }, function () { Array.prototype.sort = function () { return this; }; },
    function () { lib.left = mark; }, function () { lib.state.left = mark; }, function () { Error.prototype.left = mark; },
    function () { db.left = mark; }, function () { context.left = mark; }, function () { context.settings.left = mark; },
    function () { Object.prototype[Symbol.for('left')] = mark; }, function () { Date.left = mark; },
    function () { console.left = mark; }, function () { Object.getPrototypeOf([][Symbol.iterator]()).left = mark; },
    function () { Object.defineProperty(Object.prototype, 'left', {get: function () { return mark; }}); },
    function () { Object.setPrototypeOf(Object.prototype, {left: mark}); }, function () { delete globalThis.JSON; },
    function () { new Function('globalThis.left = "' + mark + '"')(); }, function () { (0, eval)('var left = "' + mark + '"'); },
    function () { require.cache = {left: mark}; }, function () { module.exports.left = mark; },
    function () { setTimeout(function () { globalThis.left = mark; }, 1); }, function () { Promise.resolve().then(function () { globalThis.left = mark; }); },
  ];
  tries.forEach(function (t) { try { t(); } catch (e) {} });
}
function beforePOST(req, res) {
  var found = find(req.body.mark);
  leave(req.body.mark);
  req.body.left = 'mine';
  res.end({data: {found: found}});
}
`

// Nothing crosses runs, hooks or apps, however often two hooks that try take turns.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	files := func(app string) map[string]string {
		return map[string]string{
			"gaff.yaml": "app: " + app + "\nhooks:\n  - {service: one, script: hooks/one.js}\n  - {service: two, script: hooks/two.js}\n" +
				"settings: {a: 1}\n",
			"hooks/one.js": spy, "hooks/two.js": "var own = 1;\n" + spy, "hooks/lib.js": "exports.state = {};\n",
		}
	}
	w := newWorld(t, files("default"), "GAFF_EXECUTORS=2")
	w.apply(files("other"))
	last := hooks.Event{App: "other", Service: "one", Operation: "POST", Phase: hooks.Before, Payload: hooks.Payload{Message: []byte("{}")}}
	known := 0
	w.await("executors that know the other app", func() bool {
		v, _ := w.gate.Ask(t.Context(), &last)
		if known++; v.Message == nil {
			known = 0
		}
		return known > 50
	})
	runs := 10_000
	if testing.Short() {
		runs = 2000
	}
	var g sync.WaitGroup
	for part := range 8 {
		g.Go(func() {
			for i := part; i < runs; i += 8 {
				w.leaves(i)
			}
		})
	}
	g.Wait()
}

// leaves runs one of the hooks of one of the apps, and checks that it finds nothing.
func (w *world) leaves(i int) {
	e := &hooks.Event{
		App: []string{"default", "other"}[i/2%2], Service: []string{"one", "two"}[i%2], Operation: "POST", Phase: hooks.Before,
		Payload: hooks.Payload{Message: fmt.Appendf(nil, `{"mark":"mark-%d"}`, i)},
	}
	v, err := w.gate.Ask(w.t.Context(), e)
	if got := string(v.Message); err != nil || v.Stopped() || got != `{"found":[]}` {
		w.t.Errorf("run %d of %s in %s: %v %+v %s", i, e.Service, e.App, err, v.Error, strings.ReplaceAll(got, `"`, ""))
	}
}
