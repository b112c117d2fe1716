package hooks

import (
	"context"
	"encoding/json"

	"gaff/script"
)

// method runs a method that is JavaScript: its function call, which sees the payload as req.body, or all of it, which
// sees the payload as data.message. What that ends with is the result; it refuses the call like a hook does.
func (r *Runner) method(ctx context.Context, t *Table, e *Event, m *Method) (json.RawMessage, error) {
	if t == nil {
		return nil, Errorf(CodeHookNotFound, "service %s has no method %s", e.Service, e.Operation)
	}
	function := CallFunction
	if m.LastValue {
		function = ""
	}
	run := r.begin(t, e, KindMethod, m.Name, function)
	run.record.Service = m.Service
	run.script, run.timeout = m.Script, m.Timeout
	type ended struct {
		res   script.Result
		fault *Error
	}
	done := make(chan ended, 1)
	late := func(res script.Result, fault *Error) { done <- ended{res, fault} }
	execute := func() {
		if res, fault, ok := run.do(ctx, late); ok {
			late(res, fault)
		}
	}
	if r.Pool == nil {
		go execute()
	} else if !r.Pool.Submit(e.App, func(place *Place) {
		run.place = place
		execute()
	}) {
		return nil, Errorf(CodeOverloaded, "too many runs in flight; try again")
	}
	end := <-done
	return run.called(&end.res, end.fault)
}

// called ends the run of a method.
func (r *run) called(res *scriptResult, fault *Error) (json.RawMessage, error) {
	if fault != nil {
		r.finish(res, fault, StatusFailed, nil)
		return nil, fault
	}
	if refused := refusal(&res.Answer); refused != nil {
		r.table.masker.inError(refused)
		refused.Hook = r.record.label()
		r.finish(res, refused, StatusRejected, nil)
		return nil, refused
	}
	r.finish(res, nil, StatusOK, nil)
	if res.Answer.Raw == nil {
		return json.RawMessage("null"), nil
	}
	return res.Answer.Raw, nil
}

// RPC is the host function rpc.call of scripts: a service, a method, a payload. The call is the script's own, made one
// deeper than the event that the script runs for.
func (m *Methods) RPC(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error) {
	call := MethodCall{App: c.Event.App, Session: c.Event.Session, Origin: Script, Depth: c.Event.Depth + 1, Trace: c.Event.Trace}
	if len(args) < 2 || json.Unmarshal(args[0], &call.Service) != nil || json.Unmarshal(args[1], &call.Method) != nil {
		return nil, Errorf(CodeBadRequest, "rpc takes the name of a service, the name of a method, and a payload")
	}
	if len(args) > 2 {
		call.Payload = args[2]
		if err := CheckJSON(call.Payload); err != nil {
			return nil, err
		}
	}
	reply, err := m.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	if reply.Status >= 400 { // a hook's answer in place of the call
		refused := rejected("a hook answered in place of the call")
		refused.Status = reply.Status
		return nil, refused
	}
	return reply.Body, nil
}

// Functions are the host functions that methods offer to scripts.
func (m *Methods) Functions() HostFunctions { return HostFunctions{"rpc.call": m.RPC} }
