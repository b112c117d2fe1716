package main

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestExamples runs the cases of the projects that this repository shows, as their readers would.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"template", "../../examples/earthquakes"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			if code := run(t.Context(), []string{"test", dir}, nil, nil, &stdout, &stderr); code != exitDone {
				t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
			}
			if !strings.Contains(stdout.String(), " passed, 0 failed\ncoverage: ") {
				t.Errorf("no summary:\n%s", stdout.String())
			}
		})
	}
}

// TestInterrupted ends while cases run.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, []string{"test", "template"}, nil, nil, &stdout, &stderr); code != exitFailed || stdout.Len() > 0 {
		t.Errorf("exit %d\n%s%s", code, stdout.String(), stderr.String())
	}
}

// TestPair has documents that fit several wanted ones go where the others leave room.
func TestPair(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		want []string
		got  []string
		is   []int
	}{
		"none":       {nil, nil, []int{}},
		"any order":  {[]string{`{"a":1}`, `{"a":2}`}, []string{`{"a":2}`, `{"a":1}`}, []int{1, 0}},
		"ambiguous":  {[]string{`{}`, `{"a":1}`}, []string{`{"a":1}`, `{"a":2}`}, []int{1, 0}},
		"same id":    {[]string{`{"_id":"x","a":1}`, `{"a":9}`}, []string{`{"_id":"y"}`, `{"_id":"x"}`}, []int{1, 0}},
		"too many":   {[]string{`{"a":1}`}, []string{`{"a":2}`, `{"a":1}`}, []int{1, 0}},
		"one lacks":  {[]string{`{"a":1}`, `{"a":2}`}, []string{`{"a":2}`}, []int{-1, 0}},
		"one differ": {[]string{`{"a":1}`}, []string{`{"a":2}`}, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, got := make([]raw, len(c.want)), make([]json.RawMessage, len(c.got))
			for i, d := range c.want {
				want[i] = raw(d)
			}
			for i, d := range c.got {
				got[i] = json.RawMessage(d)
			}
			if is := pair(want, got); !slices.Equal(is, c.is) {
				t.Errorf("got %v, want %v", is, c.is)
			}
		})
	}
}
