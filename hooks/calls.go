package hooks

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// HostCall is one call that a script made to the world, and what came of it: a result or an error, or neither if it was
// under way when the run ended.
type HostCall struct {
	Name   string            `json:"name"` // for example db.post
	Args   []json.RawMessage `json:"args"`
	Result json.RawMessage   `json:"result,omitempty"`
	Error  *RecordError      `json:"error,omitempty"`
}

// The bounds of what a record keeps of calls.
const (
	maxRecordedCalls = 32
	maxRecordedValue = 4 << 10 // bytes of one argument or result; of a larger one its size is kept
)

// journal notes the calls of one run, which may overlap and may outlive it.
type journal struct {
	mu    sync.Mutex
	calls []HostCall
}

// begin notes a call and returns what notes its end, again if more came of it later.
func (j *journal) begin(name string, args []json.RawMessage) (end func(result json.RawMessage, err error)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.calls) == maxRecordedCalls {
		return func(json.RawMessage, error) {}
	}
	kept := make([]json.RawMessage, len(args))
	for i, a := range args {
		kept[i] = keptValue(a)
	}
	at := len(j.calls)
	j.calls = append(j.calls, HostCall{Name: name, Args: kept})
	return func(result json.RawMessage, err error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		c := &j.calls[at]
		if err != nil {
			e := AsError(err)
			c.Result, c.Error = nil, &RecordError{Code: e.Code, Message: e.Message}
			return
		}
		c.Result = keptValue(result)
	}
}

// list returns the calls so far.
func (j *journal) list() []HostCall {
	j.mu.Lock()
	defer j.mu.Unlock()
	calls := slices.Clone(j.calls)
	for i := range calls {
		calls[i].Args = slices.Clone(calls[i].Args)
		if e := calls[i].Error; e != nil {
			own := *e
			calls[i].Error = &own
		}
	}
	return calls
}

func keptValue(raw json.RawMessage) json.RawMessage {
	if len(raw) <= maxRecordedValue {
		return raw
	}
	return appendString(nil, fmt.Sprintf("%d bytes, too many to record", len(raw)))
}
