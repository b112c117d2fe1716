package script

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dop251/goja"
	"github.com/tidwall/gjson"
)

// hostCall starts a call of the host function name, which scripts know as label. With a function as the last argument
// the result goes there as (error, data), otherwise a promise is returned.
func (m *machine) hostCall(label, name string, args []goja.Value) goja.Value {
	var callback goja.Callable
	if n := len(args); n > 0 {
		if f, ok := goja.AssertFunction(args[n-1]); ok {
			callback, args = f, args[:n-1]
		}
	}
	pending := m.newHostCall(label, callback)
	var result goja.Value = goja.Undefined()
	if callback == nil {
		p, resolve, reject := m.js.NewPromise()
		pending.resolve, pending.reject = resolve, reject
		result = m.js.ToValue(p)
	}
	pending.start(name, args)
	return result
}

func (m *machine) newHostCall(label string, callback goja.Callable) *hostCall {
	return &hostCall{r: m.run, name: label, callback: callback, frames: m.run.frames()}
}

// defaultCalls is how many host calls a run may make that is told nothing else.
const defaultCalls = 1000

// refusal says why no host call may be made now, if so. One that goes on with another is not counted.
func (r *run) refusal(name string, another bool) string {
	switch {
	case r.answered:
		return name + " was called after res.end()"
	case r.call.Host == nil:
		return name + " is not available here"
	case another && r.made >= cmp.Or(r.call.Calls, defaultCalls):
		return fmt.Sprintf("%s: the run has made %d calls, which is as many as it may", name, r.made)
	case r.events().calls >= maxPending:
		return name + ": too many calls under way"
	}
	if another {
		r.made++
	}
	return ""
}

// hostArgs encodes arguments as JSON; trailing ones that are undefined are left out.
func (m *machine) hostArgs(args []goja.Value) ([]json.RawMessage, error) {
	for len(args) > 0 && goja.IsUndefined(args[len(args)-1]) {
		args = args[:len(args)-1]
	}
	raw := make([]json.RawMessage, len(args))
	for i, a := range args {
		e := encoder{m: m}
		ok, err := e.encode(a, "")
		switch {
		case err != nil:
			return nil, err
		case ok:
			raw[i] = e.out
		default:
			raw[i] = json.RawMessage("null")
		}
	}
	return raw, nil
}

// hostCall is one call under way.
type hostCall struct {
	r               *run
	name            string // as scripts know it
	callback        goja.Callable
	resolve, reject func(any) error
	frames          []goja.StackFrame // where the script made the call
	aborted         context.Context   // ends when the script lets go of the call; nil if it cannot
}

// start begins the call, or throws if it may not be made.
func (c *hostCall) start(name string, args []goja.Value) {
	r := c.r
	if refusal := r.refusal(c.name, name != More); refusal != "" {
		panic(c.error(refusal, nil))
	}
	raw, err := r.m.hostArgs(args)
	if err != nil {
		panic(c.error(c.name+": "+err.Error(), nil))
	}
	l := r.events()
	l.calls++
	call := r.call.Host.Start(name, raw)
	r.background(func(ctx context.Context) {
		data, err := call(c.untilAborted(ctx))
		l.mailbox.post(func() { c.finish(data, err) })
	})
}

// untilAborted is ctx, which ends with the run, until the script lets go of the call.
func (c *hostCall) untilAborted(ctx context.Context) context.Context {
	if c.aborted == nil {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	context.AfterFunc(c.aborted, cancel)
	return ctx
}

// finish hands the result to the script, on the goroutine of the run.
func (c *hostCall) finish(data json.RawMessage, err error) {
	m := c.r.m
	if err != nil && c.r.calls.ctx.Err() != nil { // cut off by the deadline: the run is, too
		c.r.failure = c.r.tooLate()
		return
	}
	var failure goja.Value
	value := goja.Undefined()
	switch {
	case err != nil:
		failure = c.errorOf(err)
	case data != nil && !gjson.ValidBytes(data):
		failure = c.error(c.name+": the answer is not JSON", nil)
	case data != nil:
		value = m.value(strings.TrimSpace(textOf(data)))
	}
	switch {
	case c.callback != nil && failure != nil:
		c.r.callback(c.callback, failure)
	case c.callback != nil:
		c.r.callback(c.callback, goja.Null(), value)
	case failure != nil:
		err = c.reject(failure)
	default:
		err = c.resolve(value)
	}
	if c.callback == nil && err != nil {
		c.r.fail(err)
	}
}

// errorOf turns an error of the host into one of the script, with what the host lets it see.
func (c *hostCall) errorOf(err error) goja.Value {
	detailed, ok := errors.AsType[ScriptError](err)
	if !ok {
		return c.error(c.name+" failed", nil)
	}
	raw, jsonErr := json.Marshal(detailed.ScriptError())
	detail := gjson.ParseBytes(raw)
	if jsonErr != nil || !detail.IsObject() {
		return c.error(c.name+" failed", nil)
	}
	message := detail.Get("message").String()
	if message == "" {
		message = c.name + " failed"
	}
	return c.error(message, func(o *goja.Object) {
		detail.ForEach(func(k, v gjson.Result) bool {
			if k.Str == "message" || k.Str == "stack" {
				return true
			}
			return o.Set(k.Str, c.r.m.value(v.Raw)) == nil
		})
	})
}

// error makes an Error whose stack is where the script made the call.
func (c *hostCall) error(message string, more func(*goja.Object)) goja.Value {
	m := c.r.m
	o, err := m.js.New(m.error, m.js.ToValue(message))
	if err != nil {
		panic(rethrow(err))
	}
	stack := "Error: " + message + "\n" + c.r.prog.stack(c.frames)
	if err := o.DefineDataProperty("stack", m.js.ToValue(stack), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(rethrow(err))
	}
	if more != nil {
		more(o)
	}
	return o
}

const maxFrames = 12

func (r *run) frames() []goja.StackFrame {
	return r.m.js.CaptureCallStack(maxFrames, make([]goja.StackFrame, 0, maxFrames+1))
}
