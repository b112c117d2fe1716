package queue

import (
	"context"
	"net/http"
	"testing"

	"gaff/hooks"
)

// The hooks of phase after and failed are asked if they are sync; without one nothing is sent, and here nobody would
// answer.
func TestAskAfter(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	sync := func(phase hooks.Phase, functions ...string) func(*hooks.Hook) {
		return func(h *hooks.Hook) { h.Phase, h.Functions, h.Sync = phase, functions, true }
	}
	later := newGate(t, c, tables(sync(hooks.After, "afterPOST"), func(h *hooks.Hook) { h.Sync = false }))
	if v, err := later.Ask(t.Context(), told("a")); err != nil || v.Stopped() || v.Warnings != nil {
		t.Errorf("without sync: %+v, %v", v, err)
	}
	serve(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		v := hooks.GoOn()
		switch {
		case !e.Asked:
			v.Warnings = []string{"not asked"}
		case e.Phase == hooks.Failed:
			return hooks.Stop(&hooks.Error{Status: http.StatusGone, Code: "GONE", Message: string(e.Error)})
		default:
			v.Result = e.Result
		}
		return v
	}))
	e := told("b")
	e.Result = []byte(`{"n":2}`)
	v, err := newGate(t, c, tables(sync(hooks.After, "afterPOST"))).Ask(t.Context(), e)
	if err != nil || v.Stopped() || string(v.Result) != `{"n":2}` || v.Warnings != nil {
		t.Errorf("after: %+v, %v", v, err)
	}
	e.Phase, e.Error = hooks.Failed, []byte(`{"status":409}`)
	v, err = newGate(t, c, tables(sync(hooks.Failed, "failed"))).Ask(t.Context(), e)
	if err != nil || v.Status != http.StatusGone || v.Error == nil || v.Error.Message != `{"status":409}` {
		t.Errorf("failed: %+v, %v", v, err)
	}
}

// What has been done is done: a hook that cannot be asked after it is ignored with a warning, unless it says otherwise.
func TestAskAfterWithoutWorker(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	for policy, stopped := range map[hooks.Policy]bool{"": false, hooks.Ignore: false, hooks.Fail: true} {
		g := newGate(t, c, tables(func(h *hooks.Hook) {
			h.Phase, h.Functions, h.Sync, h.OnError = hooks.After, []string{"afterPOST"}, true, policy
		}))
		v, err := g.Ask(t.Context(), told("a"))
		if err != nil || v.Stopped() != stopped || !stopped && len(v.Warnings) != 1 {
			t.Errorf("policy %q: %+v, %v", policy, v, err)
		}
	}
}
