package hooks

import (
	"context"
	"fmt"
	"net/http"
)

// chain is the hooks of one event on their way: each sees what those before it have made of the event.
type chain struct {
	runner  *Runner
	table   *Table
	event   Event
	verdict Verdict
}

// run runs the hooks that the event starts, until one ends the chain.
func (c *chain) run(ctx context.Context) {
	e := &c.event
	for _, m := range c.table.Match(e.Phase, e.Service, e.Operation, e.Origin) {
		if !c.step(ctx, m) {
			return
		}
	}
}

// step runs one hook and reports whether the next may run.
func (c *chain) step(ctx context.Context, m *Match) bool {
	seen := c.event // what this hook sees, also after the next has changed it
	run := c.runner.begin(c.table, &seen, KindHook, m.Name, m.Function)
	run.script, run.timeout, run.params = m.Script, m.Timeout, m.Params
	holds, fault := run.holds(ctx, m.Hook)
	if !holds && fault == nil {
		return true
	}
	if fault != nil {
		run.finish(nil, fault, StatusFailed, nil)
		return c.broken(m, fault)
	}
	res, fault := run.do(ctx)
	if fault != nil {
		run.finish(&res, fault, StatusFailed, nil)
		return c.broken(m, fault)
	}
	decided, err := decide(c.event.Phase, &res)
	c.table.masker.inError(err)
	for i, w := range res.Warnings {
		res.Warnings[i] = c.table.masker.inText(w)
	}
	if err != nil {
		err.Hook = run.record.label()
		return c.refused(run, &res, err)
	}
	decided.Warnings = append(decided.Warnings, res.Warnings...)
	run.finish(&res, nil, StatusOK, &decided)
	c.take(&decided)
	return decided.Respond == nil
}

// refused ends the chain: a before hook said no. An after hook that answers an error has failed; what it reacts to
// stays done.
func (c *chain) refused(run *run, res *scriptResult, err *Error) bool {
	if c.event.Phase != Before {
		run.finish(res, err, StatusFailed, nil)
		c.warn(err)
		return true
	}
	warnings := c.verdict.Warnings
	c.verdict = Stop(err)
	c.verdict.Warnings = warnings
	run.finish(res, err, StatusRejected, &c.verdict)
	return false
}

// broken applies the hook's policy to a run that failed or came too late. What has happened cannot be stopped: after
// the call the other hooks run all the same.
func (c *chain) broken(m *Match, fault *Error) bool {
	if c.event.Phase != Before || m.policy(c.event.Phase) == Ignore {
		c.warn(fault)
		return true
	}
	c.verdict = Stop(fault)
	return false
}

func (c *chain) warn(err *Error) {
	c.verdict.Warnings = append(c.verdict.Warnings, fmt.Sprintf("%s: %s: %s", err.Hook, err.Code, err.Message))
}

// take makes what a hook decided part of the verdict, and of what the next hook sees.
func (c *chain) take(d *Verdict) {
	c.verdict.Warnings = append(c.verdict.Warnings, d.Warnings...)
	c.verdict.Respond = d.Respond
	if d.Message != nil {
		c.verdict.Message, c.event.Message = d.Message, d.Message
	}
	if d.Query != nil {
		c.verdict.Query, c.event.Query = d.Query, d.Query
	}
	if d.Hint != nil {
		c.verdict.Hint, c.event.Hint = d.Hint, d.Hint
	}
	if d.Context != nil {
		c.verdict.Context, c.event.Context = d.Context, d.Context
	}
	c.verdict.Status = http.StatusOK
}

// policy says what a broken hook means: unless the hook says otherwise, a before hook stops the call and another
// does not.
func (h *Hook) policy(phase Phase) Policy {
	switch {
	case h.OnError != "":
		return h.OnError
	case phase == Before:
		return Fail
	}
	return Ignore
}

// Ignored reports whether every one of the hooks lets the call go on when it cannot be asked.
func Ignored(phase Phase, matches []*Match) bool {
	for _, m := range matches {
		if m.policy(phase) != Ignore {
			return false
		}
	}
	return true
}
