package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/tidwall/gjson"
)

// DataServices carry out what methods do on data.
type DataServices interface {
	// Builtins lists the built-in operations of a data service, as its kind has them; nil if the app has no such service.
	Builtins(app, service string) []string
	// Do carries out one operation and returns its result. It ends soon after ctx; its errors are [Error].
	Do(ctx context.Context, app string, o *Operation) ([]byte, error)
}

// Operation is what a method has a data service do.
type Operation struct {
	Service  string
	Name     string
	Kind     MethodKind // empty: the built-in of that name
	Body     string     // the script, or the steps of a macro as JSON
	Pipeline bool       // of a macro: each step stands for itself
	Keys     int        // of Lua: see [Method]
	Allowed  []string   // of a built-in: what callers may use; nil stands for the usual
	Payload  json.RawMessage
}

// Methods carry out calls of methods under the rules of their hooks: before hooks, the method, after or failed hooks.
// /rpc and the rpc function of scripts both end here. It is safe for concurrent use.
//
// A method's data is not where events are kept, so that both cannot commit together. The guarantee is: an after-event is
// published only when the method has succeeded, which for a transaction means that it is committed, and the caller has
// its answer only when the event is stored; if it cannot be stored the answer has a warning. A worker that dies in between
// leaves the caller with an error, a change that was made, and no event.
type Methods struct {
	Tables   *Tables
	Gate     Gate
	Services DataServices
	Runner   *Runner // runs methods that are JavaScript
	Meter    Meter   // may be nil: then nobody pays
	Recorder Recorder
	Log      *slog.Logger
}

// MethodCall is one call of a method.
type MethodCall struct {
	RequestID string // becomes the event id; empty: one is made
	App       string
	Service   string
	Method    string
	Payload   json.RawMessage // valid JSON; nil is an empty object
	Headers   json.RawMessage // lower-case names, JSON object
	Session   json.RawMessage
	Origin    Origin
	Depth     int
	Trace     string // see [Event]
	Slot      Slot   // where the process notes what it does with the call; nil if nobody watches it
}

// eventTimeout is how long the stream has to take the event of a call.
const eventTimeout = 5 * time.Second

// Do carries the call out within the method's timeout, or ctx's deadline if that is earlier. The error is an [Error]: what
// a hook, the method or its data service answered. The order of what it looks at is: the names, whether the method is
// registered and on, whether the app can pay, the payload.
func (m *Methods) Do(ctx context.Context, call MethodCall) (Reply, error) {
	if err := call.check(); err != nil {
		return Reply{}, err
	}
	call.RequestID = cmp.Or(call.RequestID, newID())
	before := call.event(Before)
	table := m.Tables.Of(call.App)
	if table != nil {
		table = table.For(before)
	}
	found, err := m.find(table, &call)
	if err != nil {
		return Reply{}, err
	}
	malformed := checkPayload(call.Payload)
	if found.method != nil {
		if err := m.pay(ctx, call.App, table.State.Plan, malformed == nil); err != nil {
			return Reply{}, err
		}
	}
	if malformed != nil {
		return Reply{}, malformed
	}
	ctx, cancel := context.WithTimeout(ctx, found.timeout)
	defer cancel()
	before.Deadline, _ = ctx.Deadline()
	v, err := m.Gate.Ask(ctx, before)
	switch {
	case err != nil:
		return Reply{}, err
	case v.Respond != nil:
		return Reply{Status: v.Respond.Status, Body: v.Respond.Body, Warnings: v.Warnings, Release: v.Release}, nil
	case v.Stopped():
		return Reply{}, v.reason()
	}
	if v.Message != nil {
		call.Payload = v.Message
	}
	return m.carryOut(ctx, table, found, &call, &v)
}

func (call *MethodCall) check() error {
	for _, n := range []struct{ kind, name string }{{"app", call.App}, {"service", call.Service}, {"method", call.Method}} {
		if err := CheckName(n.kind, n.name); err != nil {
			return err
		}
	}
	return CheckDepth(call.Depth, call.Service+" "+call.Method)
}

// checkPayload refuses what is no object.
func checkPayload(raw json.RawMessage) error {
	if v := gjson.ParseBytes(raw); raw != nil && !v.IsObject() && v.Type != gjson.Null {
		return Errorf(CodeBadRequest, "the payload must be an object such as {\"args\": [1]}")
	}
	return nil
}

// event returns an event of the call.
func (call *MethodCall) event(phase Phase) *Event {
	return &Event{
		App: call.App, Service: call.Service, Operation: call.Method, Phase: phase, Slot: call.Slot,
		Trace: call.Trace,
		Payload: Payload{
			ID: call.RequestID, Message: call.Payload, Headers: call.Headers, Session: call.Session, Origin: call.Origin,
			Depth: call.Depth,
		},
	}
}

// callable is what a call runs.
type callable struct {
	method    *Method // nil: a built-in
	operation Operation
	timeout   time.Duration
}

// find returns what a call is for, or HOOK_NOT_FOUND.
func (m *Methods) find(t *Table, call *MethodCall) (*callable, error) {
	if method := t.Method(call.Service, call.Method); method != nil {
		c := &callable{method: method, timeout: cmp.Or(method.Timeout, DefaultTimeout)}
		c.operation = Operation{
			Service: method.Service, Name: method.Name, Kind: method.Kind, Body: string(method.Body),
			Pipeline: method.Mode == Pipeline, Keys: method.Keys,
		}
		if method.Kind == MethodScript {
			c.operation.Body = t.Release.Files[method.Script]
		}
		return c, nil
	}
	if m.Services == nil || !slices.Contains(m.Services.Builtins(call.App, call.Service), call.Method) {
		return nil, Errorf(CodeHookNotFound, "service %s has no method %s", call.Service, call.Method)
	}
	c := &callable{timeout: DefaultTimeout, operation: Operation{Service: call.Service, Name: call.Method}}
	if t != nil {
		c.operation.Allowed = t.Release.Builtins[call.Service]
	}
	return c, nil
}

// carryOut runs what was called, and has the hooks behind it react.
func (m *Methods) carryOut(ctx context.Context, t *Table, c *callable, call *MethodCall, v *Verdict) (Reply, error) {
	result, err := m.run(ctx, t, c, call, v.Context)
	if err != nil {
		return m.failed(ctx, t, call, v, AsError(err))
	}
	after := call.event(After)
	after.Context, after.Result = v.Context, result
	reply := Reply{Status: http.StatusOK, Body: result, Warnings: v.Warnings, Release: v.Release}
	if !m.publish(ctx, t, after) {
		reply.Warnings = append(slices.Clone(reply.Warnings), "the call was carried out, and its after-event could not be stored: its hooks do not run")
	}
	return m.answered(ctx, after, reply)
}

// answered is the reply as the hooks that the caller waits for leave it; after a failure they may turn it into one.
func (m *Methods) answered(ctx context.Context, e *Event, reply Reply) (Reply, error) {
	v, err := m.Gate.Ask(context.WithoutCancel(ctx), e)
	switch {
	case err != nil:
		return reply, err
	case v.Stopped():
		return Reply{}, v.reason()
	}
	reply.Warnings = append(slices.Clip(reply.Warnings), v.Warnings...)
	reply.Release = cmp.Or(reply.Release, v.Release)
	switch {
	case v.Respond != nil:
		reply.Status, reply.Body = v.Respond.Status, v.Respond.Body
	case v.Result != nil:
		reply.Status, reply.Body = http.StatusOK, v.Result
	}
	return reply, nil
}

// failed has the failed hooks react, of which those that the caller waits for may replace the error or answer instead.
func (m *Methods) failed(ctx context.Context, t *Table, call *MethodCall, v *Verdict, reason *Error) (Reply, error) {
	e := call.event(Failed)
	e.Context, e.Error = v.Context, reason.raw()
	m.publish(ctx, t, e)
	reply, err := m.answered(ctx, e, Reply{Warnings: v.Warnings, Release: v.Release})
	if err == nil && reply.Status == 0 {
		reason.Release = v.Release
		return Reply{}, reason
	}
	return reply, err
}

// publish tells of what has happened, if there is a hook for it, and reports whether that was possible.
func (m *Methods) publish(ctx context.Context, t *Table, e *Event) bool {
	if !t.Has(e, false) {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventTimeout)
	defer cancel()
	if err := m.Gate.Publish(ctx, e); err != nil {
		m.Log.Error("the event of a method call could not be stored", "app", e.App, "service", e.Service, "method", e.Operation,
			"phase", e.Phase, "event", e.ID, "error", err)
		return false
	}
	return true
}

// run runs what was called and leaves its record.
func (m *Methods) run(ctx context.Context, t *Table, c *callable, call *MethodCall, carried json.RawMessage) (json.RawMessage, error) {
	e := call.event(Calls)
	e.Context = carried
	e.Deadline, _ = ctx.Deadline()
	if c.method != nil && c.method.javaScript() {
		return m.Runner.method(ctx, t, e, c.method)
	}
	started := time.Now()
	c.operation.Payload = call.Payload
	result, err := m.Services.Do(ctx, call.App, &c.operation)
	m.record(t, e, started, err)
	return result, err
}

// record keeps the run of a data service.
func (m *Methods) record(t *Table, e *Event, started time.Time, err error) {
	r := Record{
		ID: newID(), Time: started.UTC(), App: e.App, Kind: KindMethod, Service: e.Service, Name: e.Operation, Event: e.ID,
		Trace: TraceID(e.Trace), Attempt: 1, Status: StatusOK, MS: float64(time.Since(started).Microseconds()) / 1000, Input: input(e),
	}
	if err != nil {
		failed := AsError(err)
		r.Status, r.Error = StatusFailed, &RecordError{Code: failed.Code, Message: failed.Message}
		if failed.Code == CodeHookTimeout {
			r.Status = StatusTimeout
		}
	}
	var known *masker
	if t != nil {
		r.Release, known = t.Release.Number, t.masker
	}
	known.with(e.Headers).inRecord(&r)
	m.Recorder.Record(r)
}
