package script

import (
	"context"
	"encoding/json"
	"time"
)

// Mode says what it means that a function ends without an answer.
type Mode int

const (
	// Gate is for functions that are waited for: one that takes res and never ends it has failed.
	Gate Mode = iota
	// React is for functions whose answer nobody needs: returning is enough.
	React
)

// Call is one run of one function. It ends by its deadline, or that of the context if it is earlier.
type Call struct {
	Deadline time.Time // zero: the context's
	Function string    // for example beforePOST; empty: the program's last value is the answer
	Mode     Mode
	Request  Request
	Data     json.RawMessage // what a program without Function sees as data; nil: what Request says of the event
	Settings json.RawMessage // context.settings; nil means none
	Host     Host            // nil refuses every host call
	Memory   uint64          // bytes that the run may take, as far as that can be told; 0: as the engine's
	// Park is called before the run waits for a host call or a timer, and what it returns when it goes on, both on the
	// goroutine of the run. It may be nil.
	Park func() (resume func())
	// LogBytes is how much the run may log, and Calls how many host calls it may make; 0: 128 KiB, 1000.
	LogBytes, Calls int
}

// Request is what the function sees as req. Raw fields are valid JSON or nil; they may not change while the run or its
// result is in use.
type Request struct {
	Body, Query, Hint, Result, Original, Error, Params, Context, Headers, Session, Job json.RawMessage

	Event EventInfo
	Key   string
}

// EventInfo is req.event.
type EventInfo struct {
	ID, App, Service, Operation, Phase, Origin string

	Depth int

	Release uint64 // not part of req.event
}

// More is the name of what goes on with an earlier call of a [Host]: the first argument is the number that this call has
// answered for it. It does not count as a call of its own.
const More = "more"

// Host does what scripts cannot do themselves. Names are "db.get", "db.put", "db.patch", "db.post" and "db.delete";
// the arguments are those of the script, path first.
//
// Calls of one run may overlap. A call that the script does not wait for goes on after Run has returned, at most until
// the deadline of the run.
type Host interface {
	// Start is called on the goroutine of the run, in the order in which the script makes its calls, and returns at
	// once. What it returns makes the call, on another goroutine. The context that it is given lasts until the run and
	// its other calls are over, or the script lets go of the call, so that it can be gone on with.
	Start(name string, args []json.RawMessage) (call func(context.Context) (json.RawMessage, error))
}

// ScriptError is implemented by errors of a [Host] that scripts may look into. What it returns is marshalled to a JSON
// object, whose fields (message, code, status and others) become those of the Error that the script gets. Of any other
// error the script learns only which call failed.
type ScriptError interface {
	error
	ScriptError() any
}
