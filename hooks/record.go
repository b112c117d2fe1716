package hooks

import (
	"bytes"
	"encoding/json"
	"time"
)

// Kind says what a record is of.
type Kind string

// The kinds of things that run.
const (
	KindHook   Kind = "hook"
	KindJob    Kind = "job"
	KindMethod Kind = "method"
)

// Status is how a run ended.
type Status string

// A rejected run stopped its call on purpose; a failed one threw; a timeout did not end in time.
const (
	StatusOK       Status = "ok"
	StatusRejected Status = "rejected"
	StatusFailed   Status = "failed"
	StatusTimeout  Status = "timeout"
	StatusCrashed  Status = "crashed" // it ended its process, or had to be ended with it
	// StatusDead says that a hook is not tried again: its event is among the dead letters.
	StatusDead Status = "dead"
)

// KindAlert is the kind of a record that somebody should see; its name is that of what it is about.
const KindAlert Kind = "alert"

// Record tells of one run, in the log stream and at /v1/logs.
type Record struct {
	ID       string          `json:"id"`
	Time     time.Time       `json:"time"`
	App      string          `json:"app"`
	Kind     Kind            `json:"kind"`
	Name     string          `json:"name"`
	Service  string          `json:"service,omitempty"` // of a method
	Function string          `json:"function,omitempty"`
	Event    string          `json:"event"`
	Trace    string          `json:"trace,omitempty"` // the id of the trace that the call belongs to
	Input    json.RawMessage `json:"input,omitempty"` // the event as the hook saw it, credentials masked
	Release  uint64          `json:"release"`
	Attempt  int             `json:"attempt"`
	Status   Status          `json:"status"`
	MS       float64         `json:"ms"`
	Verdict  json.RawMessage `json:"verdict,omitempty"`
	Error    *RecordError    `json:"error,omitempty"`
	Log      []LogLine       `json:"log,omitempty"`
	Calls    []HostCall      `json:"calls,omitempty"` // what the script asked of the world, the first 32
	End      string          `json:"end,omitempty"`   // the text a job ended with
	Audit    *Audit          `json:"audit,omitempty"` // of kind audit
	// Passing says that the run was one of a before hook, which nobody takes up again should it break off. The stream then
	// need not know the record's id, which costs it as much as the record.
	Passing bool `json:"-"`
	// Stored is called once the record is kept, if it is not nil: whoever gave it relies on the record, which is then never
	// dropped for lack of room. It must not block.
	Stored func() `json:"-"`
}

// RecordError is what went wrong in a run; the stack has the author's own files and lines.
type RecordError struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Stack   string `json:"stack,omitempty"`
}

// LogLine is one line that a script logged.
type LogLine struct {
	Level string    `json:"level"`
	Time  time.Time `json:"time"`
	Text  string    `json:"text"`
}

// Recorder takes records. It does not block and does not fail: what cannot be kept is counted. What is raw in a record may
// be written to once Record has returned; see [Record.Clone].
type Recorder interface {
	Record(Record)
}

// Clone returns a record that lasts.
func (r Record) Clone() Record {
	r.Input, r.Verdict = bytes.Clone(r.Input), bytes.Clone(r.Verdict)
	return r
}

// LogFilter selects records; an empty field selects all.
type LogFilter struct {
	App    string
	Kind   Kind
	Name   string
	Status Status
	Event  string // the event's id
	Trace  string // the trace's id
	Since  time.Time
	Limit  int // the newest so many; 0 means the reader's default
}

// Match reports whether the filter selects r.
func (f *LogFilter) Match(r *Record) bool {
	return (f.App == "" || f.App == r.App) &&
		(f.Kind == "" || f.Kind == r.Kind) &&
		(f.Name == "" || f.Name == r.Name) &&
		(f.Status == "" || f.Status == r.Status) &&
		(f.Event == "" || f.Event == r.Event) &&
		(f.Trace == "" || f.Trace == r.Trace) &&
		!r.Time.Before(f.Since)
}
