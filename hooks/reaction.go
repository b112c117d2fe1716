package hooks

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Reaction is how a run went that an event from the stream started. Whoever had the hook run records it.
type Reaction struct {
	Ran    bool   // false: the hook's condition does not hold, and there is no record
	Record Record // of the run; with an id that says nothing
	Error  *Error // why it failed; nil: it did not
}

func (r *Reaction) keep(record Record) { r.Ran, r.Record = true, record }

// Plan returns the release that an event from the stream belongs to, nil if its app has none, and the hooks that it
// starts.
func (r *Runner) Plan(e *Event) (*Table, []*Match) {
	current := r.Tables.Of(e.App)
	if current == nil {
		return nil, nil
	}
	t := current.For(e)
	return t, t.Match(e, false)
}

// React runs one hook of an event from the stream under the release that t is of, and gives then how it went, as
// [Runner.HandleThen] does its verdict. Hooks that react to one event see it as it was published: they do not see what
// others make of it.
func (r *Runner) React(ctx context.Context, e *Event, t *Table, m *Match, then func(Reaction)) {
	c := &chain{
		runner: r, ctx: ctx, table: t, event: *e, matches: []*Match{m}, verdict: GoOn(), reaction: &Reaction{},
	}
	c.then = func(Verdict) { then(*c.reaction) }
	c.run()
}

// Reactor has hooks run by a pool.
type Reactor struct {
	runner *Runner
	pool   *Pool
}

// Reactor returns a reactor whose work is done by the pool.
func (p *Pool) Reactor(r *Runner) *Reactor { return &Reactor{r, p} }

// Plan is [Runner.Plan].
func (x *Reactor) Plan(e *Event) (*Table, []*Match) { return x.runner.Plan(e) }

// All returns the current table of each app.
func (x *Reactor) All() map[string]*Table { return x.runner.Tables.All() }

// later marks the turn of an app's runs that nobody waits for: however many they are, the app's other runs have turns of
// their own.
const later = " events"

// React is [Runner.React] that waits. If the pool has no room the error is OVERLOADED.
func (x *Reactor) React(ctx context.Context, e *Event, t *Table, m *Match) Reaction {
	done := make(chan Reaction, 1)
	own := *e
	submitted := x.pool.Submit(e.App+later, func(place *Place) {
		own.Place = place
		x.runner.React(ctx, &own, t, m, func(r Reaction) { done <- r })
	})
	if !submitted {
		return Reaction{Error: Errorf(CodeOverloaded, "too many runs in flight; try again")}
	}
	return <-done
}

// defaultAttempts is how often a hook that reacts to an event is run, if it does not say.
const defaultAttempts = 8

// Again says whether the hook is to run again after so many attempts, the last of which failed with err, and after what
// time. It is not if err is permanent, as is a 4xx that a script answers, or if there were as many attempts as the hook
// may have.
func (h *Hook) Again(attempts int, err *Error) (wait time.Duration, again bool) {
	most := h.Retry.Attempts
	if most <= 0 {
		most = defaultAttempts
	}
	switch {
	case err.Permanent || attempts >= most:
		return 0, false
	case err.RetryAfter > 0:
		return err.RetryAfter, true
	}
	return h.Retry.Delay(attempts), true
}

// final reports whether a status that a hook answers means that running it again would give the same.
func final(status int) bool {
	return status < http.StatusInternalServerError && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// Named returns the hook of that name among those that an event starts, or nil.
func Named(matches []*Match, name string) *Match {
	if i := slices.IndexFunc(matches, func(m *Match) bool { return m.Name == name }); i >= 0 {
		return matches[i]
	}
	return nil
}

// Hook returns the registered hook of that name, also if it is switched off, or nil.
func (t *Table) Hook(name string) *Hook {
	if t == nil {
		return nil
	}
	for i := range t.Release.Hooks {
		if h := &t.Release.Hooks[i]; h.Name == name {
			return h
		}
	}
	return nil
}

// Reacts reports whether the hook runs from the stream, for events that have happened and whose callers do not wait.
func (h *Hook) Reacts() bool {
	switch {
	case h.Sync:
		return false
	case h.Operation != "":
		return h.Phase != Before
	}
	return slices.ContainsFunc(h.Functions, func(name string) bool {
		return strings.HasPrefix(name, string(After)) || strings.HasPrefix(name, string(Failed))
	})
}

// Ordered reports whether any hook that is on wants its events in order.
func (t *Table) Ordered() bool {
	return t != nil && (slices.ContainsFunc(t.Release.Hooks, func(h Hook) bool {
		return h.Ordered && !h.Disabled && !t.State.HookDisabled(h.Name)
	}) || t.Canary.Ordered())
}

// Crashed is the reaction of a hook with which the workers that ran it have died.
func Crashed(e *Event, t *Table, m *Match) Reaction {
	err := Errorf(CodeHookCrashed, "the workers that ran it have died or were cut off")
	return Reaction{Ran: true, Error: err, Record: Record{
		Time: time.Now().UTC(), App: e.App, Kind: KindHook, Name: m.Name, Function: m.Function, Event: e.ID,
		Trace: TraceID(e.Trace), Release: t.Release.Number, Attempt: e.Attempt, Status: StatusCrashed,
		Error: &RecordError{Code: err.Code, Message: err.Message},
	}}
}
