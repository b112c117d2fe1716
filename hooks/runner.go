package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gaff/script"
)

// Runner runs what an event starts: a chain of hooks, or a job. It is the [Handler] in which every transport ends, and
// it is safe for concurrent use.
type Runner struct {
	Tables      *Tables
	Engine      *script.Engine
	Collections *Collections  // what db works on
	Functions   HostFunctions // what other host functions there are
	Recorder    Recorder
	Pool        *Pool    // what the runs of methods take their places from; nil: they take none
	Watch       Watch    // may be nil: nobody watches this process
	Conduct     *Conduct // may be nil: nothing is quarantined here
	limiter     Limiter
	rooms       sync.Pool // of *[]byte, for what records keep of events and verdicts
	Log         *slog.Logger
}

// Handle runs the event's chain under one release, which the verdict names, and returns its verdict. It does not panic;
// it ends by the event's deadline, or ctx's.
func (r *Runner) Handle(ctx context.Context, e *Event) Verdict {
	done := make(chan Verdict, 1)
	go r.HandleThen(ctx, e, func(v Verdict) { done <- v })
	return <-done
}

// Ask is [Runner.Handle] for a caller that waits for the verdict, as over a [Gate] of this process.
func (r *Runner) Ask(ctx context.Context, e *Event) (Verdict, error) {
	asked := *e
	asked.Asked = true
	return r.Handle(ctx, &asked), nil
}

// Try runs all that an event starts, as a dry run does: the hooks whose caller waits, then those that run from the
// stream. The verdict is that of the first, with the warnings of both.
func (r *Runner) Try(ctx context.Context, e *Event) Verdict {
	if e.Phase != After && e.Phase != Failed {
		return r.Handle(ctx, e)
	}
	identified := *e
	identified.ID = cmp.Or(e.ID, newID()) // both must see one release
	identified.Asked = true
	verdict := r.Handle(ctx, &identified)
	identified.Asked = false
	later := r.Handle(ctx, &identified)
	verdict.Warnings = append(verdict.Warnings, later.Warnings...)
	if verdict.Context == nil {
		verdict.Context = later.Context
	}
	return verdict
}

// HandleThen is [Runner.Handle] on the caller's goroutine, which the scripts of most events need not leave.
func (r *Runner) HandleThen(ctx context.Context, e *Event, then func(Verdict)) {
	current := r.Tables.Of(e.App)
	if current == nil {
		then(GoOn())
		return
	}
	c := &chain{runner: r, ctx: ctx, event: *e, verdict: GoOn(), then: then}
	if c.event.ID == "" {
		c.event.ID = newID()
	}
	c.table = current.For(&c.event)
	if e.Phase == Tick {
		c.tick()
	} else {
		c.matches = c.table.Match(&c.event, c.event.Asked)
		c.run()
	}
}

// run is one execution of a hook or job, from its start to its record.
type run struct {
	runner   *Runner
	table    *Table
	event    *Event
	host     host
	script   string
	timeout  time.Duration
	params   json.RawMessage
	record   Record
	started  time.Time
	deadline time.Time    // of the script that runs
	keep     func(Record) // takes the record instead of the runner's Recorder, unless nil
	place    *Place       // in a pool; may be nil
	stand    stand
	limits   Limits
	leave    func() // what its limits count; nil: nothing
	main     script.Call
}

func (r *Runner) begin(t *Table, e *Event, kind Kind, name, function string) *run {
	now := time.Now()
	made := &run{
		runner: r, table: t, event: e, started: now, place: e.Place, host: host{runner: r, event: e},
		record: Record{
			ID: newID(), Time: now.UTC(), App: e.App, Kind: kind, Name: name, Function: function,
			Event: e.ID, Trace: TraceID(e.Trace), Release: t.Release.Number, Attempt: max(e.Attempt, 1), Status: StatusOK,
			Passing: e.Phase == Before,
		},
	}
	made.host.caller = Caller{Event: e, Table: t, Run: made.record.ID, Name: made.record.label(), lines: &made.host.lines}
	return made
}

// label is how callers see the name of what ran.
func (r *Record) label() string {
	if r.Kind == KindJob || r.Function == "" {
		return r.Name
	}
	return r.Name + "." + r.Function
}

// do executes the script; the error says how it went wrong, for the caller. A script that is stuck is left behind: then
// ok is false, and late has been or will be told instead.
func (r *run) do(ctx context.Context, late func(script.Result, *Error)) (res script.Result, fault *Error, ok bool) {
	if len(r.table.Missing) > 0 {
		return res, r.fault(CodeHookError, "a secret that the settings refer to is not available"), true
	}
	program, err := r.table.programs.script(r.script)
	if err != nil {
		return res, r.fault(CodeHookError, err.Error()), true
	}
	call := r.call(&r.main)
	r.onProcessor()
	res, ok = r.runner.Engine.RunHere(ctx, program, call, func(res script.Result) {
		r.givenUp()
		late(res, r.outcome(&res))
	})
	r.offProcessor()
	if !ok {
		return res, nil, false
	}
	return res, r.outcome(&res), true
}

// outcome is how a script's error reads for the caller.
func (r *run) outcome(res *scriptResult) *Error {
	err := res.Err
	switch {
	case err == nil && r.limits.Payload > 0 && len(res.Answer.Raw) > r.limits.Payload:
		return r.fault(CodeHookError, fmt.Sprintf("the answer has more than %d bytes, the limit of its payload", r.limits.Payload))
	case err == nil:
		return nil
	case err.Kind == script.TimedOut && !time.Now().Before(r.deadline):
		return r.fault(CodeHookTimeout, fmt.Sprintf("did not end within %v", time.Since(r.started).Round(time.Millisecond)))
	case err.Kind == script.TimedOut:
		return r.fault(CodeHookTimeout, err.Message)
	}
	fault := r.fault(CodeHookError, describe(err))
	fault.Permanent, fault.RetryAfter = err.Permanent, err.RetryAfter
	return fault
}

// holds reports whether the hook's condition lets it run; ok and late are as with do.
func (r *run) holds(ctx context.Context, h *Hook, late func(bool, *Error)) (holds bool, fault *Error, ok bool) {
	if !changed(h.Changed, r.event) {
		return false, nil, true
	}
	program, err := r.table.programs.condition(h)
	if err != nil {
		return false, r.fault(CodeHookError, "condition: "+err.Error()), true
	}
	call := r.call(new(script.Call)) // a condition that is stuck keeps it
	r.onProcessor()
	holds, err, ok = r.runner.Engine.TestHere(ctx, program, call, func(err error) {
		r.givenUp()
		late(false, r.fault(CodeHookError, "condition: "+err.Error()))
	})
	r.offProcessor()
	if err != nil {
		fault = r.fault(CodeHookError, "condition: "+err.Error())
	}
	return holds, fault, ok
}

// until is the earlier of the script's own time and what is left for the chain, if somebody waits for it.
func (r *run) until() time.Time {
	r.deadline = time.Now().Add(r.timeout)
	if !r.event.Deadline.IsZero() && r.event.Deadline.Before(r.deadline) {
		r.deadline = r.event.Deadline
	}
	return r.deadline
}

func (r *run) fault(code Code, message string) *Error {
	err := Errorf(code, "%s", r.table.masker.inText(message))
	err.Hook = r.record.label()
	if r.record.Function == "" {
		return err.reasoned()
	}
	return err
}

// call makes c what the script is given.
func (r *run) call(c *script.Call) *script.Call {
	e := r.event
	mode := script.React
	if e.Phase == Before || e.Phase == Calls {
		mode = script.Gate
	}
	*c = script.Call{
		Deadline: r.until(),
		Function: r.record.Function,
		Mode:     mode,
		Request: script.Request{
			Body: e.Message, Query: e.Query, Hint: e.Hint, Result: e.Result, Original: e.Original, Error: e.Error,
			Params: r.params, Context: e.Context, Headers: e.Headers, Session: e.Session, Job: e.Job, Key: e.Key,
			Event: script.EventInfo{
				ID: e.ID, App: e.App, Service: e.Service, Operation: e.Operation, Phase: string(e.Phase),
				Origin: cmp.Or(string(e.Origin), string(Client)), Depth: e.Depth,
				Release: r.table.Release.Number,
			},
		},
		Settings: r.table.Settings,
		Host:     &r.host,
		Memory:   r.limits.Memory, LogBytes: r.limits.Log, Calls: r.limits.Calls,
	}
	if e.Phase == Tick && c.Function == "" {
		c.Data = e.Message
		if c.Data == nil {
			c.Data = json.RawMessage("{}")
		}
	}
	c.Park = r.park
	r.host.park, r.host.limits = c.Park, &r.limits
	return c
}
