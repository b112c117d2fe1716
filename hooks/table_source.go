package hooks

import (
	"slices"

	"gaff/script"
)

// NewTable indexes a release by itself: nothing is switched off, and there are no secrets.
func NewTable(r *Release) *Table { return Source{Release: r}.Table() }

// Source is all that a table is made of. Only Release is needed.
type Source struct {
	Release *Release
	State   State
	Secrets map[string]string // values by name
	Canary  *Table            // of the same app
	Percent int               // of events that Canary gets, 1 to 99
	// Previous is a table of the app whose compiled scripts are used again if it has the same release, the very same
	// pointer, as itself or as its canary.
	Previous *Table
	// Coverage counts which statements of the scripts run; nil counts nothing.
	Coverage *script.Coverage
}

// Table builds the table.
func (s Source) Table() *Table {
	r := s.Release
	t := &Table{
		Release: r, State: s.State, Canary: s.Canary, Percent: s.Percent, programs: s.programs(),
		byCall: map[call][]*Match{}, services: map[string]bool{}, jobs: map[string]*Job{}, methods: map[string]*Method{},
	}
	t.resolve(s.Secrets)
	for i := range r.Hooks {
		if h := &r.Hooks[i]; !h.Disabled && !s.State.HookDisabled(h.Name) {
			t.add(h)
		}
	}
	for _, matches := range t.byCall {
		slices.SortStableFunc(matches, inOrder)
	}
	for i := range r.Jobs {
		if j := &r.Jobs[i]; !j.Disabled && !s.State.JobDisabled(j.Name) && s.State.QuarantinedJobs[j.Name].Since.IsZero() {
			t.jobs[j.Name] = j
		}
	}
	for i := range r.Methods {
		if m := &r.Methods[i]; !m.Disabled && !s.State.MethodDisabled(m.ID()) {
			t.methods[m.ID()] = m
		}
	}
	return t
}

// programs returns the compiled scripts of the release, new ones if the previous table does not have them.
func (s *Source) programs() *programs {
	for t := s.Previous; t != nil; t = t.Canary {
		if t.Release == s.Release && t.programs.coverage == s.Coverage {
			return t.programs
		}
	}
	return &programs{release: s.Release, coverage: s.Coverage}
}

// resolve puts the values of secrets where the release refers to them.
func (t *Table) resolve(values map[string]string) {
	settings, used, missing := resolveSecrets(t.Release.Settings, values)
	sessions, more, lacking := t.Release.Sessions.resolve(values)
	t.Settings, t.Sessions = settings, sessions
	upstreams, theirs, gone := resolveUpstreams(t.Release.Services, values)
	t.upstreams = upstreams
	t.Secrets, t.Missing = slices.Concat(used, more, theirs), slices.Concat(missing, lacking, gone)
	slices.Sort(t.Secrets)
	slices.Sort(t.Missing)
	t.Secrets, t.Missing = slices.Compact(t.Secrets), slices.Compact(t.Missing)
	t.masker = newMasker(t.Secrets)
}
