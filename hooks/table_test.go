package hooks

import (
	"slices"
	"testing"
)

func names(ms []*Match) []string {
	var out []string
	for _, m := range ms {
		out = append(out, m.Name+"."+m.Function)
	}
	return out
}

func TestMatch(t *testing.T) {
	t.Parallel()
	def := []Origin{Client, Script}
	table := NewTable(&Release{App: "default", Hooks: []Hook{
		{Name: "customer", Service: "customer", Functions: []string{"beforePOST", "afterPOST", "before"}, Origins: def},
		{Name: "audit", Service: "*", Functions: []string{"beforePOST", "failed"}, Origins: def},
		{Name: "first", Service: "customer", Functions: []string{"beforePOST"}, Origins: []Origin{Client, S2S}, Order: -1},
		{Name: "send", Service: "Event", Operation: "sendEvent", Phase: Before, Functions: []string{"before"}, Origins: def},
		{Name: "off", Service: "customer", Functions: []string{"beforePOST"}, Origins: def, Disabled: true},
	}})
	for _, c := range []struct {
		phase              Phase
		service, operation string
		origin             Origin
		want               []string
	}{
		{Before, "customer", "POST", "", []string{"first.beforePOST", "audit.beforePOST", "customer.beforePOST"}},
		{Before, "customer", "POST", Script, []string{"audit.beforePOST", "customer.beforePOST"}},
		{Before, "customer", "POST", S2S, []string{"first.beforePOST"}},
		{Before, "order", "POST", Client, []string{"audit.beforePOST"}},
		{Before, "customer", "PUT", Client, nil},
		{Before, "customer", "merge", Client, []string{"customer.before"}},
		{After, "customer", "POST", Client, []string{"customer.afterPOST"}},
		{Failed, "customer", "POST", Client, []string{"audit.failed"}},
		{Failed, "Event", "sendEvent", Client, []string{"audit.failed"}},
		{Before, "Event", "sendEvent", Client, []string{"send.before"}},
		{Before, "Event", "getEvents", Client, nil},
	} {
		e := &Event{Service: c.service, Operation: c.operation, Phase: c.phase, Payload: Payload{Origin: c.origin}}
		got := names(table.Match(e, false))
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s %s from %q: got %v, want %v", c.phase, c.service, c.operation, c.origin, got, c.want)
		}
		if has := table.Has(e, false); has != (len(c.want) > 0) {
			t.Errorf("%s %s %s from %q: Has is %v", c.phase, c.service, c.operation, c.origin, has)
		}
	}
}

func BenchmarkNoHook(b *testing.B) {
	table := NewTable(&Release{App: "default", Hooks: []Hook{
		{Name: "customer", Service: "customer", Functions: []string{"beforePOST"}, Origins: []Origin{Client}},
	}})
	e := &Event{Service: "order", Operation: "POST", Phase: Before}
	for b.Loop() {
		if table.Has(e, true) {
			b.Fatal("no hook is registered for order")
		}
	}
}
