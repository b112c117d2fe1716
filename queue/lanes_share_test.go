package queue

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"gaff/hooks"
)

// TestLanesAreShared: whatever apps processes serve, and however they come and go, each lane that somebody may take is taken
// in the end, by one that may, and nobody has more than its share.
func TestLanesAreShared(t *testing.T) {
	t.Parallel()
	ordered := func(app string) *hooks.Table {
		return hooks.NewTable(&hooks.Release{App: app, Number: 1, Hooks: []hooks.Hook{{
			Name: "line", Service: "s", Operation: "POST", Phase: hooks.After, Ordered: true, Functions: []string{"afterPOST"},
		}}})
	}
	tables := map[string]*hooks.Table{"a": ordered("a"), "b": ordered("b"), "c": ordered("c")}
	sets := []hooks.Apps{{}, {Only: "a"}, {Only: "b"}, {Except: []string{"a"}}, {Except: []string{"a", "b"}}}
	rapid.Check(t, func(t *rapid.T) {
		var all []*lanes
		for i := range rapid.IntRange(1, 5).Draw(t, "processes") {
			apps := rapid.SampledFrom(sets).Draw(t, "apps")
			all = append(all, &lanes{
				c: &consuming{options: ConsumeOptions{Apps: apps}}, me: fmt.Sprint(i),
				seen: map[laneID]leaseSeen{}, workers: map[string]colleague{}, owned: map[laneID]*lane{},
			})
		}
		owner := map[laneID]*lanes{}
		for app := range tables {
			for part := range rapid.IntRange(0, partitions).Draw(t, "lanes") {
				owner[laneID{app, part}] = nil
			}
		}
		for range 10 * len(all) {
			for _, l := range all {
				shareOnce(l, all, owner, tables)
			}
		}
		for id, l := range owner {
			may := 0
			for _, other := range all {
				if other.c.options.Apps.Serves(id.app) {
					may++
				}
			}
			if may > 0 && (l == nil || !l.c.options.Apps.Serves(id.app)) || may == 0 && l != nil {
				t.Fatalf("lane %v of %d that may is with %+v", id, may, l)
			}
		}
	})
}

// shareOnce is one look of a process, with what it has heard of the others.
func shareOnce(l *lanes, all []*lanes, owner map[laneID]*lanes, tables map[string]*hooks.Table) {
	now := time.Now()
	for _, other := range all {
		l.workers[other.me] = colleague{apps: other.c.options.Apps, seen: now}
	}
	for id, o := range owner {
		s := leaseSeen{at: now}
		if o != nil {
			s.Owner = o.me
		}
		l.seen[id] = s
	}
	free, surplus := l.share(tables)
	for _, id := range free {
		owner[id], l.owned[id] = l, &lane{id: id}
	}
	for _, n := range surplus {
		owner[n.id] = nil
		delete(l.owned, n.id)
	}
}
