package queue

import (
	"context"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// A replay of letters that goes on ends, although what it runs ends as letters again.
func TestReplayedLettersAreNotReplayedAgain(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var runs atomic.Int64
	react(t, c, newReactor(funcs{"never": func(context.Context, *hooks.Event) *hooks.Error {
		runs.Add(1)
		no := hooks.Errorf(hooks.CodeHookError, "no")
		no.Permanent = true
		return no
	}}), ConsumeOptions{})
	publish(t, c, told("one"))
	publish(t, c, told("two"))
	await(t, "the letters", func() bool { return len(letters(t, c)) == 2 })
	f := hooks.DeadFilter{App: "default"}
	for round, want := range []int{2, 0} {
		done, err := c.ReplayDead(t.Context(), f, 0)
		if err != nil || done.Replayed != want {
			t.Fatalf("round %d: %+v, %v", round, done, err)
		}
		f.Until = done.Until
		await(t, "the letters are there again", func() bool { return len(letters(t, c)) == 2 })
	}
	if runs.Load() != 4 {
		t.Errorf("%d runs", runs.Load())
	}
}

// What cannot run for an event of the past is not replayed to, and says why.
func TestReplayRefusesWhatDoesNotReact(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	nop := func(context.Context, *hooks.Event) *hooks.Error { return nil }
	r := newReactor(funcs{"sync": nop, "before": nop, "off": nop, "fine": nop}, func(h *hooks.Hook) {
		switch h.Name {
		case "sync":
			h.Sync = true
		case "before":
			h.Phase = hooks.Before
		case "off":
			h.Disabled = true
		}
	})
	for name, want := range map[string]hooks.Code{
		"sync": hooks.CodeBadRequest, "before": hooks.CodeBadRequest, "off": hooks.CodeBadRequest, "none": hooks.CodeHookNotFound, "fine": "",
	} {
		_, err := c.Replay(t.Context(), r.All()["default"], hooks.ReplayFilter{App: "default", Hook: name}, 0, true)
		if err == nil && want == "" {
			continue
		}
		if err == nil || hooks.AsError(err).Code != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
