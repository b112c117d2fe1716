package queue

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gaff/hooks"
)

// published is the ids of the events that the stream has, in its order.
func published(t *testing.T, c *Conn) (ids []string) {
	t.Helper()
	for _, data := range payloads(t, c, c.eventStream()) {
		p, err := hooks.ParsePayload(data)
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, p.ID)
	}
	return ids
}

// TestPublishTogether: the stream has all of them or none, and those of one key in their order.
func TestPublishTogether(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	var events []*hooks.Event
	var want []string
	for i := range 40 {
		id := strconv.Itoa(i)
		events, want = append(events, told(id)), append(want, id)
	}
	errs, together := g.PublishTogether(t.Context(), events)
	if err := errors.Join(errs...); err != nil || !together {
		t.Fatal(together, err)
	}
	if got := published(t, c); !slices.Equal(got, want) {
		t.Errorf("the stream has %v", got)
	}

	again := []*hooks.Event{told("new"), events[3]}
	if errs, together := g.PublishTogether(t.Context(), again); together {
		t.Errorf("with one that is there already: %v", errs)
	}
	if got := published(t, c); !slices.Equal(got, want) {
		t.Errorf("a part was stored: %v", got)
	}
	if err := errors.Join(g.PublishAll(t.Context(), again)...); err != nil {
		t.Error(err)
	}

	nothing := told("bad")
	nothing.ID = strings.Repeat("i", maxEventID+1)
	errs, together = g.PublishTogether(t.Context(), []*hooks.Event{nothing, told("last")})
	if _, ours := errors.AsType[*hooks.Error](errs[0]); !together || !ours || errs[1] != nil {
		t.Errorf("with one that no stream takes: %v, %v", together, errs)
	}
	if errs, together := g.PublishTogether(t.Context(), []*hooks.Event{nothing}); !together || errs[0] == nil {
		t.Errorf("only one that no stream takes: %v, %v", together, errs)
	}
	if got, want := published(t, c), append(want, "new", "last"); !slices.Equal(got, want) {
		t.Errorf("the stream has %v", got)
	}
}
