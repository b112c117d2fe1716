package hooks

import (
	"encoding/json"
	"fmt"
	"time"
)

// Work is one hook that an event has started and that has not come to its end.
type Work struct {
	ID       string          `json:"id"` // of what the event and the hook are together; the final record has it
	App      string          `json:"app"`
	Hook     string          `json:"hook"`
	Function string          `json:"function,omitempty"`
	Event    json.RawMessage `json:"event"` // {service, operation, phase} and the payload
	Trace    string          `json:"traceparent,omitempty"`
	Stored   time.Time       `json:"stored"`             // when the event was published
	Sequence uint64          `json:"sequence,omitempty"` // of the event in its stream
	Cut      bool            `json:"cut,omitempty"`      // what the event carries was too much: the stream has it
	Round    int             `json:"round,omitempty"`    // how often it was replayed
	Attempts []Attempt       `json:"attempts,omitempty"` // of this round, all of which failed
	Due      time.Time       `json:"due,omitzero"`       // when the next attempt is
}

// Attempt is one run that failed.
type Attempt struct {
	Attempt int          `json:"attempt"` // from 1
	Time    time.Time    `json:"time"`
	MS      float64      `json:"ms"`
	Release uint64       `json:"release,omitempty"`
	Error   *RecordError `json:"error"`
}

// DeadLetter is work that was given up.
type DeadLetter struct {
	Work
	Time  time.Time    `json:"time"`
	Error *RecordError `json:"error"` // of the last attempt
}

// NewWork is what an event means for a hook, before its first attempt.
func NewWork(id string, e *Event, stored time.Time, m *Match) Work {
	return Work{
		ID: id, App: e.App, Hook: m.Name, Function: m.Function, Event: e.whole(&e.Payload, e.size()), Trace: e.Trace, Stored: stored.UTC(),
	}
}

// Shorten leaves of the event only what it is about.
func (w *Work) Shorten() {
	e, err := w.ParseEvent()
	if err != nil || w.Sequence == 0 {
		return
	}
	p := Payload{ID: e.ID, Key: e.Key, Origin: e.Origin, Depth: e.Depth}
	w.Event, w.Cut = e.whole(&p, 0), true
}

// ParseEvent returns the event of the work. What it holds are slices of w.Event.
func (w *Work) ParseEvent() (*Event, error) {
	var about struct {
		Service, Operation string
		Phase              Phase
	}
	if err := json.Unmarshal(w.Event, &about); err != nil {
		return nil, fmt.Errorf("event of work %s: %w", w.ID, err)
	}
	payload, err := ParsePayload(w.Event)
	if err != nil {
		return nil, fmt.Errorf("event of work %s: %w", w.ID, err)
	}
	return &Event{App: w.App, Service: about.Service, Operation: about.Operation, Phase: about.Phase, Payload: payload, Trace: ParseTrace(w.Trace)}, nil
}

// FinalID is the id of the record with which the work ends.
func (w *Work) FinalID() string {
	if w.Round == 0 {
		return w.ID
	}
	return fmt.Sprintf("%s.r%d", w.ID, w.Round)
}

// AttemptID is the id of the record of an attempt that was not the end, from 1.
func (w *Work) AttemptID(attempt int) string { return fmt.Sprintf("%s.%d", w.FinalID(), attempt) }

// Failed returns the work with one more attempt that failed, as its record tells.
func (w Work) Failed(r *Record) Work {
	w.Attempts = append(w.Attempts[:len(w.Attempts):len(w.Attempts)], Attempt{
		Attempt: len(w.Attempts) + 1, Time: r.Time, MS: r.MS, Release: r.Release, Error: r.Error,
	})
	return w
}

// Bury is the work as a dead letter, and its final record.
func (w *Work) Bury(now time.Time, e *Event) (DeadLetter, Record) {
	letter := DeadLetter{Work: *w, Time: now.UTC(), Error: &RecordError{Code: CodeHookError}}
	record := Record{
		ID: w.FinalID(), Time: now.UTC(), App: w.App, Kind: KindHook, Name: w.Hook, Function: w.Function, Event: e.ID,
		Trace: TraceID(e.Trace), Attempt: len(w.Attempts), Status: StatusDead,
	}
	if n := len(w.Attempts); n > 0 {
		last := w.Attempts[n-1]
		letter.Error, record.Release = last.Error, last.Release
	}
	record.Error = letter.Error
	return letter, record
}

// Replayed is a dead letter as work to begin anew.
func (l *DeadLetter) Replayed() Work {
	w := l.Work
	w.Round++
	w.Attempts, w.Due = nil, time.Time{}
	return w
}

// Masked is the letter without the credentials of the caller.
func (l DeadLetter) Masked() DeadLetter {
	if e, err := l.ParseEvent(); err == nil {
		l.Event = appendInput(make([]byte, 0, len(l.Event)), e)
	}
	return l
}
