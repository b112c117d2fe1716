package script

import (
	"strings"

	"github.com/dop251/goja"
	"github.com/tidwall/gjson"
)

// ccCall is the property of a call's arguments that says whether a script made the call. It is not among the keys of
// the object, so that it does not get into what a script hands back, and a caller cannot forge it.
const ccCall = "ccCall"

// newData makes data for the current run. Its parts are built when they are touched; what a script changes in them
// changes nothing else.
func (m *machine) newData() goja.Value {
	if raw := m.run.call.Data; raw != nil {
		return m.value(strings.TrimSpace(textOf(raw)))
	}
	l := &lazyObject{m: m, slots: m.dataParts(make([]slot, 0, 6)), indexed: true}
	return m.finish(l)
}

// dataParts lists the parts of data that this event has, in their order.
func (m *machine) dataParts(slots []slot) []slot {
	q := &m.run.call.Request
	slots = append(slots,
		slot{key: "service", build: func(m *machine) goja.Value { return m.js.ToValue(q.Event.Service) }},
		slot{key: "operation", build: func(m *machine) goja.Value { return m.js.ToValue(q.Event.Operation) }},
	)
	switch {
	case q.Event.Phase == "after":
		result := slot{key: "message", raw: "null"}
		if q.Result != nil {
			result.raw = textOf(q.Result)
		}
		slots = append(slots, result, slot{key: "callingMessage", build: (*machine).callArguments})
	case q.Event.Phase == "failed":
		slots = append(slots, slot{key: "callingMessage", build: (*machine).callArguments},
			slot{key: "errorData", build: (*machine).errorData})
	default:
		slots = append(slots, slot{key: "message", build: (*machine).callArguments})
	}
	return append(slots, slot{key: "parms", raw: orEmpty(q.Params)})
}

// callArguments are those of the call: its message, or of a call that has none the query and hint.
func (m *machine) callArguments() goja.Value {
	q := &m.run.call.Request
	l := &lazyObject{m: m, raw: orEmpty(q.Body)}
	switch {
	case q.Body == nil && (q.Query != nil || q.Hint != nil):
		l.indexed = true
		l.add(slot{key: "query", raw: orEmpty(q.Query)})
		l.add(slot{key: "hint", raw: orEmpty(q.Hint)})
	case l.raw[0] != '{':
		return m.value(l.raw)
	}
	if strings.Contains(l.raw, ccCall) {
		l.Delete(ccCall)
	}
	byScript := m.no
	if q.Event.Origin == "script" {
		byScript = m.yes
	}
	l.hidden = &slot{key: ccCall, value: byScript}
	return m.finish(l)
}

// errorData is why the call failed: the reason, a number if there is one, and its text.
func (m *machine) errorData() goja.Value {
	e := gjson.ParseBytes(m.run.call.Request.Error)
	reason := e.Get("reason_code")
	if !reason.Exists() {
		reason = e.Get("code")
	}
	l := &lazyObject{m: m, indexed: true}
	for _, f := range []struct {
		key   string
		value gjson.Result
	}{{"reasonCode", reason}, {"errorMessage", e.Get("message")}, {"status", e.Get("status")}, {"code", e.Get("code")}} {
		raw := f.value.Raw
		if raw == "" {
			raw = "null"
		}
		l.add(slot{key: f.key, raw: strings.Clone(raw)})
	}
	return m.finish(l)
}
