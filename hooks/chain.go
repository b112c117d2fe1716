package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gaff/script"
)

// chain is the hooks of one event on their way: each sees what those before it have made of the event. A chain whose
// script is stuck goes on without it, on another goroutine; the one that is stuck does not come back to it.
type chain struct {
	runner  *Runner
	ctx     context.Context
	table   *Table
	event   Event
	matches []*Match // that have not run yet
	verdict Verdict
	then    func(Verdict)

	reaction *Reaction // of a single hook, which does not record its run itself; nil for a chain
}

// run runs the hooks that are left, until one ends the chain.
func (c *chain) run() {
	for len(c.matches) > 0 {
		m := c.matches[0]
		c.matches = c.matches[1:]
		goOn, ok := c.step(m)
		if !ok {
			return
		}
		if !goOn {
			break
		}
	}
	c.end(c.verdict)
}

// resume goes on after a hook whose script was stuck.
func (c *chain) resume(goOn, ok bool) {
	if !ok {
		return
	}
	if !goOn {
		c.matches = nil
	}
	c.run()
}

func (c *chain) end(v Verdict) {
	v.Release = c.table.Release.Number
	c.then(v)
}

// step runs one hook and reports whether the next may run; ok is false if its script is stuck and the chain has gone on.
func (c *chain) step(m *Match) (goOn, ok bool) {
	seen := &c.event
	if len(c.matches) > 0 { // then it changes, but not for this hook
		before := c.event
		seen = &before
	}
	run := c.runner.begin(c.table, seen, KindHook, m.Name, m.Function)
	run.script, run.timeout, run.params = m.Script, m.Timeout, m.Params
	if c.reaction != nil {
		run.keep = c.reaction.keep
	}
	if fault := c.unable(m, run); fault != nil {
		return c.broken(m, fault), true
	}
	if m.When == "" {
		return c.execute(m, run, changed(m.Changed, seen), nil)
	}
	holds, fault, ok := run.holds(c.ctx, m.Hook, func(holds bool, fault *Error) {
		c.resume(c.execute(m, run, holds, fault))
	})
	if !ok {
		return false, false
	}
	return c.execute(m, run, holds, fault)
}

// execute runs the script of a hook whose condition holds.
func (c *chain) execute(m *Match, run *run, holds bool, fault *Error) (goOn, ok bool) {
	switch {
	case fault != nil:
		run.finish(nil, fault, StatusFailed, nil)
		return c.broken(m, fault), true
	case !holds:
		return true, true
	}
	if fault = run.admit(m.Limits); fault != nil {
		return c.broken(m, fault), true
	}
	res, fault, ok := run.do(c.ctx, func(res script.Result, fault *Error) {
		c.resume(c.decided(m, run, &res, fault), true)
	})
	if !ok {
		return false, false
	}
	return c.decided(m, run, &res, fault), true
}

// decided takes in how a hook ended, and reports whether the next may run.
func (c *chain) decided(m *Match, run *run, res *scriptResult, fault *Error) bool {
	if fault != nil {
		run.finish(res, fault, StatusFailed, nil)
		return c.broken(m, fault)
	}
	decided, err := decide(m, &c.event, res)
	c.table.masker.inError(err)
	c.table.masker.inError(decided.Error)
	for i, w := range res.Warnings {
		res.Warnings[i] = c.table.masker.inText(w)
	}
	if err != nil {
		err.Hook = run.record.label()
	}
	switch {
	case err != nil && err.ReasonCode == reasonScriptError:
		run.finish(res, err, StatusFailed, nil)
		return c.broken(m, err)
	case err != nil:
		return c.refused(m, run, res, err)
	}
	decided.Warnings = append(decided.Warnings, res.Warnings...)
	if decided.Error != nil {
		decided.Error.Hook = run.record.label()
	}
	run.finish(res, decided.Error, StatusRejected, &decided)
	return c.take(&decided)
}

// refused ends the chain: a before hook said no. An after hook that answers an error has failed; what it reacts to
// stays done.
func (c *chain) refused(m *Match, run *run, res *scriptResult, err *Error) bool {
	if c.event.Phase != Before {
		err.Permanent = final(err.Status)
		run.finish(res, err, StatusFailed, nil)
		return c.broken(m, err)
	}
	c.stop(err)
	run.finish(res, err, StatusRejected, &c.verdict)
	return false
}

// broken applies the hook's policy to a run that failed or came too late. What has happened cannot be stopped: after
// the call fail means that the caller is told, and the other hooks run all the same if nobody waits.
func (c *chain) broken(m *Match, fault *Error) bool {
	if c.reaction != nil {
		c.reaction.Error = fault
		return false
	}
	if c.event.Phase != Before && !c.event.Asked || m.policy(c.event.Phase) == Ignore {
		c.warn(fault)
		return true
	}
	c.stop(fault)
	return false
}

// stop makes the verdict one that stops the call, or that answers it with an error if it has been made.
func (c *chain) stop(err *Error) {
	warnings := c.verdict.Warnings
	c.verdict = Stop(err)
	c.verdict.Warnings = warnings
}

func (c *chain) warn(err *Error) {
	c.verdict.Warnings = append(c.verdict.Warnings, fmt.Sprintf("%s: %s: %s", err.Hook, err.Code, err.Message))
}

// take makes what a hook decided part of the verdict, and of what the next hook sees, and reports whether the next may
// run. One that answers in place of the call ends the chain; so does, after the call, one that makes an error of it, and
// after a failure one that makes a success of it.
func (c *chain) take(d *Verdict) bool {
	c.verdict.Warnings = append(c.verdict.Warnings, d.Warnings...)
	if d.Stopped() {
		c.stop(d.Error)
		c.tell(&c.event.Error, d.Error.raw())
		return c.event.Phase == Failed
	}
	c.verdict.Respond = d.Respond
	c.replace(&c.verdict.Result, &c.event.Result, d.Result)
	c.replace(&c.verdict.Message, &c.event.Message, d.Message)
	c.replace(&c.verdict.Query, &c.event.Query, d.Query)
	c.replace(&c.verdict.Hint, &c.event.Hint, d.Hint)
	c.replace(&c.verdict.Context, &c.event.Context, d.Context)
	if turned := c.event.Phase == Failed && (d.Result != nil || d.Respond != nil); turned || c.verdict.Error == nil {
		c.verdict.Status, c.verdict.Error = http.StatusOK, nil
		return !turned && d.Respond == nil
	}
	return true
}

// replace makes what a hook decided part of the verdict, and of what the next hook sees.
func (c *chain) replace(verdict, event *json.RawMessage, decided json.RawMessage) {
	if decided != nil {
		*verdict = decided
		c.tell(event, decided)
	}
}

// tell changes a part of the event for the next hook. After the last one it stays what that one saw: host calls that it
// did not wait for may still look at it.
func (c *chain) tell(part *json.RawMessage, value json.RawMessage) {
	if len(c.matches) > 0 {
		*part = value
	}
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
