package hooks

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The share of keys that see the canary is what was asked for, within four standard deviations.
func TestCanaryShare(t *testing.T) {
	t.Parallel()
	const keys = 20_000
	for _, percent := range []int{1, 10, 50, 99} {
		canary := NewTable(&Release{App: "shop", Number: 2})
		table := Source{Release: &Release{App: "shop", Number: 1}, Canary: canary, Percent: percent}.Table()
		for name, key := range map[string]func(int) string{
			"numbers": func(i int) string { return fmt.Sprint(i) },
			"names":   func(i int) string { return fmt.Sprintf("customer-%08d", i) },
			"ids":     func(int) string { return newID() },
		} {
			n := 0
			for i := range keys {
				if table.For(&Event{Payload: Payload{Key: key(i)}}) == canary {
					n++
				}
			}
			p := float64(percent) / 100
			if far := math.Abs(float64(n)-keys*p) / math.Sqrt(keys*p*(1-p)); far > 4 {
				t.Errorf("%s: %d of %d see the canary of %d %%", name, n, keys, percent)
			}
		}
	}
}

// A key sees the same release every time, and one that has seen the canary sees it when its share grows.
func TestCanaryStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringN(1, 40, -1).Draw(t, "key")
		percent := rapid.IntRange(1, 98).Draw(t, "percent")
		canary := NewTable(&Release{Number: 2})
		at := func(percent int, p Payload) bool {
			s := Source{Release: &Release{Number: 1}, Canary: canary, Percent: percent}
			return s.Table().For(&Event{Payload: p}) == canary
		}
		seen := at(percent, Payload{Key: key, ID: "1"})
		if seen != at(percent, Payload{Key: key, ID: "2"}) || seen != at(percent, Payload{ID: key}) {
			t.Error("another id changes what the key sees")
		}
		if seen && !at(percent+1, Payload{Key: key}) {
			t.Error("a greater share has lost the key")
		}
	})
}

func TestCanaryJob(t *testing.T) {
	t.Parallel()
	canary := NewTable(&Release{Number: 2})
	table := Source{Release: &Release{Number: 1, Jobs: []Job{{Name: "nightly"}}}, Canary: canary, Percent: 99}.Table()
	for i := range 100 {
		e := &Event{Phase: Tick, Operation: "nightly", Payload: Payload{ID: fmt.Sprint(i)}}
		if table.For(e) != table {
			t.Fatal("a tick went to a release without the job")
		}
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	var s State
	s.EnableHook("b", false)
	s.EnableHook("a", false)
	s.EnableHook("a", false)
	s.EnableJob("j", false)
	r := &Release{
		Hooks: []Hook{{Name: "a", Service: "item", Functions: []string{"beforePOST"}, Origins: []Origin{Client}}},
		Jobs:  []Job{{Name: "j"}},
	}
	table := Source{Release: r, State: s}.Table()
	post := &Event{Service: "item", Operation: "POST", Phase: Before}
	if table.Has(post, true) || table.Job("j") != nil || len(s.DisabledHooks) != 2 {
		t.Errorf("%+v", s)
	}
	s.EnableHook("a", true)
	s.EnableJob("j", true)
	again := Source{Release: r, State: s, Previous: table}.Table()
	if !again.Has(post, true) || again.Job("j") == nil || again.programs != table.programs {
		t.Errorf("%+v", s)
	}
	with := Source{Release: &Release{Number: 2}, Canary: again, Percent: 10}.Table()
	if !with.Has(post, true) || with.Match(post, true) != nil {
		t.Error("a call with hooks only in the canary is not asked about")
	}
}
