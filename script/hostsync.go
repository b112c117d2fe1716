package script

import (
	"context"
	"encoding/json"
)

// hostCallSync makes a call of the host function name, which scripts know as label, from a native function and waits for
// its result; meanwhile nothing else of the script runs and, if it parks, the run gives up its place. The error is that
// of the host. A call that may not be made is thrown. One that outlasts the run ends the script: then ok is false, and
// what the native function returns does not matter.
func (m *machine) hostCallSync(label, name string, parks bool, args []json.RawMessage) (data json.RawMessage, err error, ok bool) {
	r := m.run
	if refusal := r.refusal(label, true); refusal != "" {
		panic(m.newHostCall(label, nil).error(refusal, nil))
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
	if parks && r.call.Park != nil {
		defer r.call.Park()()
	}
	select {
	case o := <-done:
		if o.err == nil || r.calls.ctx.Err() == nil {
			return o.data, o.err, true
		}
	case <-r.context().Done():
	}
	m.js.Interrupt(errDeadline)
	return nil, nil, false
}
