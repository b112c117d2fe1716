package hooks

import (
	"strings"
	"time"
)

// DeadFilter selects dead letters; an empty field selects all.
type DeadFilter struct {
	App   string
	Hook  string
	ID    string // of a letter
	Event string // the event's id
	Error string // part of the error's code or message, in any case
	Since time.Time
	Until time.Time
	Limit int // the oldest so many; 0 means the reader's default
}

// Match reports whether the filter selects l, given its event's id.
func (f *DeadFilter) Match(l *DeadLetter, event string) bool {
	return (f.App == "" || f.App == l.App) &&
		(f.Hook == "" || f.Hook == l.Hook) &&
		(f.ID == "" || f.ID == l.FinalID()) &&
		(f.Event == "" || f.Event == event) &&
		(f.Error == "" || l.Error != nil && containsFold(string(l.Error.Code)+": "+l.Error.Message, f.Error)) &&
		!l.Time.Before(f.Since) && (f.Until.IsZero() || l.Time.Before(f.Until))
}

func containsFold(s, part string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(part))
}

// Replayed says what a replay has done.
type Replayed struct {
	Found     int    `json:"found"`          // that were selected
	Replayed  int    `json:"replayed"`       // that run again
	Duplicate int    `json:"duplicate"`      // that were replayed just before, and are on their way
	Left      bool   `json:"left"`           // there are more: the replay goes on after Next
	Next      uint64 `json:"next,omitempty"` // to go on from

	// Until bounds a replay of dead letters that goes on: those that its own runs leave are not among them.
	Until time.Time `json:"until,omitzero"`
}

// ReplayFilter selects events that are replayed to a hook.
type ReplayFilter struct {
	App   string
	Hook  string
	Event string // the event's id; empty: all
	Since time.Time
	Until time.Time // zero: now
	After uint64    // only those behind this sequence number
	Limit int       // how many at most
}
