package hooks_test

import (
	"testing"

	"gaff/hooks"
)

// A dry run of an event after a call runs all its hooks: those that are asked and those of the stream.
func TestTry(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"gaff.yaml": "hooks:\n  - {name: asked, service: item, script: a.js, sync: true}\n  - {name: told, service: item, script: b.js}\n",
		"a.js":      "function afterPOST(req, res) { res.end({ data: { n: req.result.n + 1 } }); }",
		"b.js":      "function afterPOST(req, res) { throw new Error('late'); }",
	})
	e := &hooks.Event{App: "default", Service: "item", Operation: "POST", Phase: hooks.After, Payload: hooks.Payload{Result: []byte(`{"n":1}`)}}
	v := b.runner.Try(t.Context(), e)
	if v.Stopped() || string(v.Result) != `{"n":2}` || len(v.Warnings) != 1 || len(b.log) != 2 || b.log[0].Event != b.log[1].Event {
		t.Errorf("verdict %s, records %+v", v.AppendJSON(nil), b.log)
	}
	e.Phase = hooks.Before
	if v := b.runner.Try(t.Context(), e); v.Stopped() || len(b.log) != 2 {
		t.Errorf("before: %s", v.AppendJSON(nil))
	}
}
