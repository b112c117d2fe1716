package hooks

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"sync/atomic"
	"time"
)

// Table is one release of an app, with the app's state and secrets, indexed for matching. It is immutable and safe for
// concurrent use. A nil Table is empty.
type Table struct {
	Release  *Release
	State    State
	Settings json.RawMessage // of the release, with the values of secrets
	Sessions *Sessions       // likewise
	Secrets  []string        // the values in them, which records must not show
	Missing  []string        // names of secrets that have no value; while there are any, no script of the table runs
	// Canary gets Percent of the app's events instead of this table; nil if there is none. See [Table.For].
	Canary  *Table
	Percent int

	programs  *programs
	masker    *masker
	byCall    map[call][]*Match
	services  map[string]bool      // that have hooks of their own
	upstreams map[string]*Upstream // declared services, with the values of secrets
	any       bool                 // there are hooks for any service
	jobs      map[string]*Job
	methods   map[string]*Method // by id
}

// Match is a hook that an event starts, and the function in its script that runs; none of a script whose last value is
// its answer.
type Match struct {
	*Hook
	Function string
}

// call is what a table is indexed by; "*" stands for any service or operation.
type call struct {
	phase              Phase
	service, operation string
	sync               bool // for hooks whose caller waits, after the call or its failure
}

const (
	wildcard       = "*"
	everyOperation = "**" // a verb, too
)

// everyCall reports whether the hook is for all calls of the app: one on this service and operation is what scripts that
// came from elsewhere have for that.
func (h *Hook) everyCall() bool { return h.Service == "Dispatcher" && h.Operation == "ProcessMessage" }

// inOrder is the order in which the hooks of a chain run.
func inOrder(a, b *Match) int {
	return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Name, b.Name))
}

func (t *Table) add(h *Hook) {
	t.services[h.Service] = true
	t.any = t.any || h.Service == wildcard || h.everyCall()
	if h.Operation != "" {
		key := call{h.Phase, h.Service, h.Operation, h.syncIn(h.Phase)}
		if h.everyCall() {
			key.service, key.operation = wildcard, everyOperation
		}
		if fn := functionOf(h.Phase, h.Operation, h.Functions); fn != "" || h.LastValue {
			t.byCall[key] = append(t.byCall[key], &Match{h, fn})
		}
		return
	}
	for _, name := range h.Functions {
		if phase, operation, ok := splitFunction(name); ok {
			key := call{phase, h.Service, operation, h.syncIn(phase)}
			t.byCall[key] = append(t.byCall[key], &Match{h, name})
		}
	}
}

// syncIn reports whether the caller waits for the hook in a phase. It does so in any case before the call.
func (h *Hook) syncIn(phase Phase) bool { return h.Sync && phase != Before }

// Match returns the hooks that an event starts, in the order in which they run: by order, then by name. asked says
// whether somebody waits for their verdict: see [Event]. The caller must not change the list.
func (t *Table) Match(e *Event, asked bool) []*Match {
	if t.without(e.Service) {
		return nil
	}
	var found []*Match
	lists, origin := 0, e.Origin
	for _, key := range keysOf(e, asked) {
		listed := t.byCall[key]
		if len(listed) == 0 {
			continue
		}
		if lists++; lists == 1 && allFrom(listed, origin) {
			found = slices.Clip(listed) // the usual case: nothing to copy, nothing to sort
			continue
		}
		for _, m := range listed {
			if m.from(origin) {
				found = append(found, m)
			}
		}
	}
	if lists > 1 {
		found = slices.Clone(found)
		slices.SortStableFunc(found, inOrder)
	}
	return found
}

// Has reports whether Match would find any, here or in the canary. It takes nanoseconds, so that a call without hooks
// pays nothing.
func (t *Table) Has(e *Event, asked bool) bool {
	if t != nil && t.Canary != nil && t.Canary.Has(e, asked) {
		return true
	}
	if t.without(e.Service) {
		return false
	}
	for _, key := range keysOf(e, asked) {
		if slices.ContainsFunc(t.byCall[key], func(m *Match) bool { return m.from(e.Origin) }) {
			return true
		}
	}
	return false
}

// without reports whether no hook at all is for the service.
func (t *Table) without(service string) bool {
	return t == nil || !t.any && !t.services[service]
}

// from reports whether calls of that origin start the hook.
func (m *Match) from(origin Origin) bool { return slices.Contains(m.Origins, cmp.Or(origin, Client)) }

func allFrom(matches []*Match, origin Origin) bool {
	return !slices.ContainsFunc(matches, func(m *Match) bool { return !m.from(origin) })
}

// Job returns the enabled job of that name, or nil.
func (t *Table) Job(name string) *Job {
	if t == nil {
		return nil
	}
	return t.jobs[name]
}

// Method returns the enabled method of a service, or nil.
func (t *Table) Method(service, name string) *Method {
	if t == nil {
		return nil
	}
	return t.methods[service+"."+name]
}

// keysOf lists where hooks for a call are indexed. Functions named for a verb stand under that verb; the general
// before, after and failed stand under any operation but a verb (a verb's failed has no function of its own).
func keysOf(e *Event, asked bool) [5]call {
	phase, sync := e.Phase, asked && e.Phase != Before
	keys := [5]call{{phase, e.Service, e.Operation, sync}, {phase, wildcard, e.Operation, sync}}
	keys[4] = call{phase, wildcard, everyOperation, sync}
	if phase == Failed || !isVerb(e.Operation) {
		keys[2], keys[3] = call{phase, e.Service, wildcard, sync}, call{phase, wildcard, wildcard, sync}
	}
	return keys
}

// Tables keeps the current table of each app. The zero value is empty and ready; it is safe for concurrent use.
type Tables struct {
	m atomic.Pointer[map[string]*Table]
}

// Of returns the app's current table, or nil.
func (ts *Tables) Of(app string) *Table {
	if m := ts.m.Load(); m != nil {
		return (*m)[app]
	}
	return nil
}

// Set makes t its app's table. One goroutine calls it.
func (ts *Tables) Set(t *Table) {
	next := map[string]*Table{}
	if m := ts.m.Load(); m != nil {
		next = maps.Clone(*m)
	}
	next[t.Release.App] = t
	ts.m.Store(&next)
}

// Remove leaves an app without a table. The goroutine that calls Set calls it.
func (ts *Tables) Remove(app string) {
	if ts.Of(app) == nil {
		return
	}
	next := maps.Clone(*ts.m.Load())
	delete(next, app)
	ts.m.Store(&next)
}

// All returns the current tables.
func (ts *Tables) All() map[string]*Table {
	if m := ts.m.Load(); m != nil {
		return *m
	}
	return nil
}

// DefaultTimeout is how long a hook may take that says nothing else, and how long a chain whose caller names no
// deadline; the three seed systems settle on the same ten seconds.
const (
	DefaultTimeout = 10 * time.Second
	MaxTimeout     = 60 * time.Second
)
