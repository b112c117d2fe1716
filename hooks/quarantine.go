package hooks

import (
	"fmt"
	"time"
)

// Quarantine says why a hook or job is not run any more. Whoever enables it lifts it.
type Quarantine struct {
	Since  time.Time `json:"since"`
	Code   Code      `json:"code"`   // what its runs ended with
	Reason string    `json:"reason"` // for people
}

// NewAlertRecord returns the record of a hook or job that was quarantined.
func NewAlertRecord(app string, kind Kind, name string, q Quarantine) Record {
	return Record{
		ID: newID(), Time: q.Since.UTC(), App: app, Kind: KindAlert, Name: name, Attempt: 1, Status: StatusFailed,
		Error: &RecordError{Code: q.Code, Message: fmt.Sprintf("%s %s is quarantined: %s", kind, name, q.Reason)},
		Audit: &Audit{Actor: "gaff", Action: "quarantine", To: string(kind) + " " + name},
	}
}

// Quarantine takes a hook or job out of use until it is enabled. It reports whether that is new.
func (s *State) Quarantine(kind Kind, name string, q Quarantine) bool {
	in := &s.QuarantinedHooks
	if kind == KindJob {
		in = &s.QuarantinedJobs
	}
	if _, there := (*in)[name]; there {
		return false
	}
	if *in == nil {
		*in = map[string]Quarantine{}
	}
	(*in)[name] = q
	return true
}

// quarantined is what a run of the hook is told instead of running it, or nil. Its policy decides what that means.
func (t *Table) quarantined(h *Hook) *Error {
	q, ok := t.State.QuarantinedHooks[h.Name]
	if !ok {
		return nil
	}
	return Errorf(q.Code, "hook %s is quarantined since %s: %s; `gaff hooks enable %s` lifts that",
		h.Name, q.Since.UTC().Format(time.RFC3339), q.Reason, h.Name)
}
