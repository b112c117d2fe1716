package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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
	Pool        *Pool // may be nil: then a run that waits keeps its goroutine's place
	Log         *slog.Logger
}

// Handle runs the event's chain under one release, which the verdict names, and returns its verdict. It does not panic;
// it ends by the event's deadline, or ctx's.
func (r *Runner) Handle(ctx context.Context, e *Event) Verdict {
	current := r.Tables.Of(e.App)
	if current == nil {
		return GoOn()
	}
	c := chain{runner: r, event: *e, verdict: GoOn()}
	if c.event.ID == "" {
		c.event.ID = newID()
	}
	c.table = current.For(&c.event)
	if e.Phase == Tick {
		c.verdict = r.tick(ctx, c.table, &c.event)
	} else {
		c.run(ctx)
	}
	c.verdict.Release = c.table.Release.Number
	return c.verdict
}

// tick runs a job.
func (r *Runner) tick(ctx context.Context, t *Table, e *Event) Verdict {
	job := t.Job(e.Operation)
	if job == nil {
		return Stop(Errorf(CodeNotFound, "job %s is not registered or is disabled", e.Operation))
	}
	run := r.begin(t, e, KindJob, job.Name, RunJob)
	run.script, run.timeout = job.Script, job.Timeout
	res, fault := run.do(ctx)
	verdict := GoOn()
	switch {
	case fault != nil:
		verdict = Stop(fault)
	default:
		if stop := refusal(&res.Answer); stop != nil {
			t.masker.inError(stop)
			stop.Hook, fault = run.record.label(), stop
			verdict = Stop(stop)
		}
		run.record.End = res.Answer.Text()
	}
	run.finish(&res, fault, StatusFailed, nil)
	return verdict
}

// run is one execution of a hook or job, from its start to its record.
type run struct {
	runner  *Runner
	table   *Table
	event   *Event
	host    *host
	script  string
	timeout time.Duration
	params  json.RawMessage
	record  Record
	started time.Time
}

func (r *Runner) begin(t *Table, e *Event, kind Kind, name, function string) *run {
	now := time.Now()
	made := &run{
		runner: r, table: t, event: e, started: now, host: &host{runner: r, event: e},
		record: Record{
			ID: newID(), Time: now.UTC(), App: e.App, Kind: kind, Name: name, Function: function,
			Event: e.ID, Release: t.Release.Number, Attempt: max(e.Attempt, 1), Status: StatusOK,
		},
	}
	made.host.caller = Caller{Event: e, Table: t, Run: made.record.ID, Name: made.record.label(), lines: &made.host.lines}
	return made
}

// label is how callers see the name of what ran.
func (r *Record) label() string {
	if r.Kind == KindJob {
		return r.Name
	}
	return r.Name + "." + r.Function
}

// do executes the script; the error says how it went wrong, for the caller.
func (r *run) do(ctx context.Context) (script.Result, *Error) {
	if len(r.table.Missing) > 0 {
		return script.Result{}, r.fault(CodeHookError, "a secret that the settings refer to is not available")
	}
	program, err := r.table.programs.script(r.script)
	if err != nil {
		return script.Result{}, r.fault(CodeHookError, err.Error())
	}
	ctx, cancel := context.WithDeadline(ctx, r.deadline())
	defer cancel()
	res := r.runner.Engine.Run(ctx, program, r.call())
	if res.Err == nil {
		return res, nil
	}
	switch {
	case ctx.Err() != nil && res.Err.Kind == script.TimedOut:
		return res, r.fault(CodeHookTimeout, fmt.Sprintf("did not end within %v", time.Since(r.started).Round(time.Millisecond)))
	case res.Err.Kind == script.TimedOut:
		return res, r.fault(CodeHookTimeout, res.Err.Message)
	}
	return res, r.fault(CodeHookError, describe(res.Err))
}

// holds reports whether the hook's condition lets it run.
func (r *run) holds(ctx context.Context, h *Hook) (bool, *Error) {
	if !changed(h.Changed, r.event) {
		return false, nil
	}
	if h.When == "" {
		return true, nil
	}
	program, err := r.table.programs.condition(h)
	if err != nil {
		return false, r.fault(CodeHookError, "condition: "+err.Error())
	}
	ctx, cancel := context.WithDeadline(ctx, r.deadline())
	defer cancel()
	ok, err := r.runner.Engine.Test(ctx, program, r.call())
	if err != nil {
		return false, r.fault(CodeHookError, "condition: "+err.Error())
	}
	return ok, nil
}

// deadline is the earlier of the hook's own time and what is left for the chain, if somebody waits for it.
func (r *run) deadline() time.Time {
	own := time.Now().Add(r.timeout)
	if r.event.Deadline.IsZero() || own.Before(r.event.Deadline) {
		return own
	}
	return r.event.Deadline
}

func (r *run) fault(code Code, message string) *Error {
	err := Errorf(code, "%s", r.table.masker.inText(message))
	err.Hook = r.record.label()
	return err
}

// call is what the script is given.
func (r *run) call() *script.Call {
	e := r.event
	mode := script.React
	if e.Phase == Before {
		mode = script.Gate
	}
	c := &script.Call{
		Function: r.record.Function,
		Mode:     mode,
		Request: script.Request{
			Body: e.Message, Query: e.Query, Hint: e.Hint, Result: e.Result, Original: e.Original, Error: e.Error,
			Params: r.params, Context: e.Context, Headers: e.Headers, Session: e.Session, Job: e.Job, Key: e.Key,
			Event: script.EventInfo{
				ID: e.ID, App: e.App, Service: e.Service, Operation: e.Operation, Phase: string(e.Phase),
				Origin: cmp.Or(string(e.Origin), string(Client)), Depth: e.Depth,
			},
		},
		Settings: r.table.Settings,
		Host:     r.host,
	}
	if r.runner.Pool != nil {
		c.Park = r.runner.Pool.Park
	}
	return c
}
