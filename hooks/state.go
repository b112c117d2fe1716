package hooks

import "slices"

// State is what an app's operators have decided: what is switched off, and the plan. It is kept beside the releases: applying another or going back to
// one does not change it, and it may name what the current release does not have.
type State struct {
	DisabledHooks []string `json:"disabledHooks,omitempty"`
	DisabledJobs  []string `json:"disabledJobs,omitempty"`
	// What Gaff itself has taken out of use. Such a hook still matches, and its policy says what it means that it does not
	// run; such a job is off.
	QuarantinedHooks map[string]Quarantine `json:"quarantinedHooks,omitempty"`
	QuarantinedJobs  map[string]Quarantine `json:"quarantinedJobs,omitempty"`
	// Paused says that the app's events wait; Held, that some may be waiting still although it is not paused any more.
	Paused bool `json:"paused,omitempty"`
	Held   bool `json:"held,omitempty"`
	// DisabledMethods names methods as service.name.
	DisabledMethods []string `json:"disabledMethods,omitempty"`
	// Plan is empty for [PlanUnlimited].
	Plan Plan `json:"plan,omitempty"`
}

// HookDisabled reports whether the hook is switched off.
func (s *State) HookDisabled(name string) bool { return slices.Contains(s.DisabledHooks, name) }

// JobDisabled reports whether the job is switched off.
func (s *State) JobDisabled(name string) bool { return slices.Contains(s.DisabledJobs, name) }

// MethodDisabled reports whether the method of that id is switched off.
func (s *State) MethodDisabled(id string) bool { return slices.Contains(s.DisabledMethods, id) }

// EnableMethod switches a method on or off.
func (s *State) EnableMethod(id string, on bool) {
	s.DisabledMethods = enable(s.DisabledMethods, id, on)
}

// EnableHook switches a hook on, which also ends its quarantine, or off.
func (s *State) EnableHook(name string, on bool) {
	s.DisabledHooks = enable(s.DisabledHooks, name, on)
	if on {
		delete(s.QuarantinedHooks, name)
	}
}

// EnableJob switches a job on, which also ends its quarantine, or off.
func (s *State) EnableJob(name string, on bool) {
	s.DisabledJobs = enable(s.DisabledJobs, name, on)
	if on {
		delete(s.QuarantinedJobs, name)
	}
}

// enable returns the sorted list of what is off.
func enable(off []string, name string, on bool) []string {
	off = slices.DeleteFunc(slices.Clone(off), func(n string) bool { return n == name })
	if !on {
		off = append(off, name)
	}
	slices.Sort(off)
	return off
}
