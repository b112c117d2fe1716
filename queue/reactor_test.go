package queue

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gaff/hooks"
)

// reactor is one without scripts: its hooks are functions.
type reactor struct {
	mu      sync.Mutex
	release *hooks.Table
	hooks   map[string]func(context.Context, *hooks.Event) *hooks.Error
}

// newReactor returns a reactor with one hook for each function, as change makes it.
func newReactor(funcs map[string]func(context.Context, *hooks.Event) *hooks.Error, change ...func(*hooks.Hook)) *reactor {
	r := &reactor{hooks: funcs}
	r.set(hooks.State{}, change...)
	return r
}

// set makes another release current.
func (r *reactor) set(state hooks.State, change ...func(*hooks.Hook)) {
	release := &hooks.Release{App: "default", Number: 1, Created: time.Now()}
	for _, name := range slices.Sorted(maps.Keys(r.hooks)) {
		h := hooks.Hook{
			Name: name, Service: "customer", Operation: "POST", Phase: hooks.After, Script: "x.js", Functions: []string{"afterPOST", "failed"},
			Origins: []hooks.Origin{hooks.Client}, Retry: hooks.Retry{Attempts: 3, Min: time.Millisecond, Max: 5 * time.Millisecond},
		}
		for _, f := range change {
			f(&h)
		}
		release.Hooks = append(release.Hooks, h)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release = hooks.Source{Release: release, State: state}.Table()
}

func (r *reactor) All() map[string]*hooks.Table {
	r.mu.Lock()
	defer r.mu.Unlock()
	return map[string]*hooks.Table{"default": r.release}
}

func (r *reactor) Plan(e *hooks.Event) (*hooks.Table, []*hooks.Match) {
	t := r.All()["default"]
	if e.Phase == hooks.Failed { // every hook reacts to everything
		after := *e
		after.Phase = hooks.After
		return t, t.Match(&after, false)
	}
	return t, t.Match(e, false)
}

func (r *reactor) React(ctx context.Context, e *hooks.Event, t *hooks.Table, m *hooks.Match) hooks.Reaction {
	now := time.Now()
	err := r.hooks[m.Name](ctx, e)
	if err != nil && err.Code == hooks.CodeOverloaded {
		return hooks.Reaction{Error: err}
	}
	record := hooks.Record{
		ID: "none", Time: now, App: e.App, Kind: hooks.KindHook, Name: m.Name, Function: m.Function, Event: e.ID,
		Release: t.Release.Number, Attempt: e.Attempt, Status: hooks.StatusOK,
	}
	if err != nil {
		record.Status, record.Error = hooks.StatusFailed, &hooks.RecordError{Code: err.Code, Message: err.Message}
	}
	return hooks.Reaction{Ran: true, Record: record, Error: err}
}

// handling is a reactor with a single hook, which a handler is.
func handling(h hooks.Handler) *reactor {
	return newReactor(map[string]func(context.Context, *hooks.Event) *hooks.Error{
		"react": func(ctx context.Context, e *hooks.Event) *hooks.Error {
			v := h.Handle(ctx, e)
			return v.Error
		},
	})
}
