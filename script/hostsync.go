package script

import (
	"context"
	"encoding/json"

	"github.com/dop251/goja"
)

// hostCallSync makes a host call from a native function and waits for its result; meanwhile nothing else of the script
// runs, and the run gives up its place. The error is that of the host; its text as a script may see it is that of
// [machine.hostError]. A call that outlasts the run ends the script: then ok is false, and what the native function
// returns does not matter.
func (m *machine) hostCallSync(name string, args ...json.RawMessage) (data json.RawMessage, err error, ok bool) {
	r := m.run
	if refusal := r.refusal(name); refusal != "" {
		panic(m.hostError(name, &refusedCall{refusal}))
	}
	type outcome struct {
		data json.RawMessage
		err  error
	}
	done := make(chan outcome, 1)
	call := r.call.Host.Start(name, args)
	r.background(func(ctx context.Context) {
		data, err := call(ctx)
		done <- outcome{data, err}
	})
	if r.call.Park != nil {
		defer r.call.Park()()
	}
	select {
	case o := <-done:
		if o.err == nil || r.context().Err() == nil {
			return o.data, o.err, true
		}
	case <-r.context().Done():
	}
	m.js.Interrupt(errDeadline)
	return nil, nil, false
}

// refusedCall is why a host call was not made.
type refusedCall struct{ text string }

func (e *refusedCall) Error() string { return e.text }

// ScriptError returns what the script sees.
func (e *refusedCall) ScriptError() any { return map[string]string{"message": e.text} }

// hostError is the Error that a script gets for an error of the host, with the stack of the call that is under way.
func (m *machine) hostError(name string, err error) goja.Value {
	c := &hostCall{r: m.run, name: name, frames: m.run.frames()}
	return c.errorOf(err)
}

// callHost is [machine.hostCallSync] for native functions that throw what the host answers with an error, and return the
// value otherwise.
func (m *machine) callHost(name string, args ...json.RawMessage) goja.Value {
	data, err, ok := m.hostCallSync(name, args...)
	switch {
	case !ok:
		return goja.Undefined()
	case err != nil:
		panic(m.hostError(name, err))
	}
	return m.value(textOf(data))
}
