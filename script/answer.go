package script

import (
	"encoding/json"
	"time"
)

// Answer is what a function ended with.
type Answer struct {
	// Raw is the value as JSON, as it was at the moment of res.end or return; nil if there is none.
	Raw json.RawMessage
	// Fields are the properties of Raw, in order, if it is an object.
	Fields []Field
	// Ended says that it was given to res.end, res.send or res.json, not returned.
	Ended bool
	// Status was set with res.status; 0 if it was not.
	Status int
}

// Field is one property of an answer.
type Field struct {
	Name string
	Raw  json.RawMessage

	start, end int
}

// Field returns the property of that name, or nil.
func (a *Answer) Field(name string) json.RawMessage {
	for i := range a.Fields {
		if a.Fields[i].Name == name {
			return a.Fields[i].Raw
		}
	}
	return nil
}

// IsObject reports whether the answer is an object.
func (a *Answer) IsObject() bool { return len(a.Raw) > 0 && a.Raw[0] == '{' }

// Bool returns the answer as a boolean; ok is false if it is something else.
func (a *Answer) Bool() (value, ok bool) {
	switch string(a.Raw) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Text returns the answer for people: a string as it is, anything else as JSON.
func (a *Answer) Text() string {
	if len(a.Raw) > 0 && a.Raw[0] == '"' {
		var s string
		if json.Unmarshal(a.Raw, &s) == nil {
			return s
		}
	}
	return string(a.Raw)
}

// Result is how a run went. Its raw parts may share memory with those of the request.
type Result struct {
	Answer Answer
	// Context is req.context after the run; nil if the script did not touch it.
	Context json.RawMessage
	// Err is nil if the function ended well, with or without an answer.
	Err *Error
	// Log is what the script wrote, bounded in lines and length; Warnings are about things that look like mistakes,
	// and are in the log as well.
	Log      []LogLine
	Warnings []string
}

// LogLine is one line that a script wrote.
type LogLine struct {
	Level string    `json:"level"` // debug, info, warn, error, fatal
	Time  time.Time `json:"time"`
	Text  string    `json:"text"`
}

// Kind says how a run failed.
type Kind string

// The ways to fail: the script threw or rejected, or it did not end in time or cannot end at all.
const (
	Threw    Kind = "threw"
	TimedOut Kind = "timeout"
	// Greedy runs have taken too much memory.
	Greedy Kind = "memory"
)

// Error is how a run failed. Positions are the author's own.
type Error struct {
	Kind    Kind
	Message string
	// Stack has one line per call, innermost first: at function (file:line:col).
	Stack string
	File  string
	Line  int
	Col   int
	// Permanent says that the script gave up, with Permanent: running it again would not help.
	Permanent bool
	// RetryAfter is when the script wants to run again, as it said with Retry; 0 if it did not say.
	RetryAfter time.Duration
	// Value is what was thrown, if it was a plain object and not an Error.
	Value json.RawMessage
}

// Error returns the message with its position.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return Problem{e.File, e.Line, e.Col, e.Message}.String()
}
