package script

import (
	"encoding/json"
	"strings"

	"github.com/dop251/goja"
	"github.com/tidwall/gjson"
)

// newReq makes req for the current run. Its parts are built when they are touched.
func (m *machine) newReq() goja.Value {
	m.run.hasReq = true
	if m.plain {
		return m.plainReq()
	}
	m.req = lazyObject{m: m, slots: m.reqParts(m.reqSlots[:0]), indexed: true}
	return m.js.NewDynamicObject(&m.req)
}

// reqParts lists the parts of req that this event has, in their order.
func (m *machine) reqParts(slots []slot) []slot {
	q := &m.run.call.Request
	slots = append(slots,
		slot{key: "body", raw: orEmpty(q.Body)},
		slot{key: "query", raw: orEmpty(q.Query)},
		slot{key: "hint", build: (*machine).hint},
		slot{key: "headers", build: (*machine).headers},
		slot{key: "params", raw: orEmpty(q.Params)},
		slot{key: "context", raw: orEmpty(q.Context)},
		slot{key: "event", build: (*machine).event},
	)
	if q.Result != nil {
		slots = append(slots, slot{key: "result", raw: textOf(q.Result)})
	}
	if q.Original != nil {
		slots = append(slots, slot{key: "original", raw: textOf(q.Original)})
	}
	if q.Error != nil {
		slots = append(slots, slot{key: "error", raw: textOf(q.Error)})
	}
	if q.Job != nil {
		slots = append(slots, slot{key: "job", raw: textOf(q.Job)})
	}
	if q.Key != "" {
		slots = append(slots, slot{key: "key", build: (*machine).key})
	}
	return slots
}

func orEmpty(raw json.RawMessage) string {
	if raw == nil {
		return "{}"
	}
	return textOf(raw)
}

// plainReq is req for programs that need plain objects.
func (m *machine) plainReq() goja.Value {
	o := m.js.NewObject()
	for _, s := range m.reqParts(nil) {
		v := goja.Value(nil)
		if s.build != nil {
			v = s.build(m)
		} else {
			v = m.value(s.raw)
		}
		if err := o.Set(s.key, v); err != nil {
			panic(rethrow(err))
		}
	}
	e := encoder{m: m}
	if _, err := e.encode(o.Get("context"), ""); err != nil {
		panic(m.js.NewTypeError(err.Error()))
	}
	m.run.plainReq, m.run.plainContext = o, e.out
	return o
}

func (m *machine) key() goja.Value { return m.js.ToValue(m.run.call.Request.Key) }

// hint is the request's own hints with #headers and #usersession, which a request cannot forge.
func (m *machine) hint() goja.Value {
	q := &m.run.call.Request
	l := &lazyObject{m: m, raw: orEmpty(q.Hint)}
	l.touch()
	l.put("#headers", m.headers())
	l.put("#usersession", m.value(orEmpty(q.Session)))
	return m.finish(l)
}

// put sets a property before the script has seen the object.
func (o *lazyObject) put(key string, v goja.Value) { o.Set(key, v) }

// finish returns the object in the form that the program needs.
func (m *machine) finish(l *lazyObject) goja.Value {
	if !m.plain {
		return m.js.NewDynamicObject(l)
	}
	o := m.js.NewObject()
	l.touch()
	if h := l.hidden; h != nil {
		if err := o.DefineDataProperty(h.key, h.value, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(rethrow(err))
		}
	}
	for i := range l.slots {
		err := o.DefineDataProperty(l.slots[i].key, l.read(i), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE)
		if err != nil {
			panic(rethrow(err))
		}
	}
	return o
}

// headers are the request's, with lower-case names.
func (m *machine) headers() goja.Value {
	raw := orEmpty(m.run.call.Request.Headers)
	l := &lazyObject{m: m, indexed: true}
	gjson.Parse(raw).ForEach(func(k, v gjson.Result) bool {
		key := strings.ToLower(k.Str)
		if i := l.find(key); i >= 0 {
			l.slots[i].raw = v.Raw
		} else {
			l.add(slot{key: key, raw: v.Raw})
		}
		return true
	})
	return m.finish(l)
}

func (m *machine) event() goja.Value {
	e := &m.run.call.Request.Event
	l := &lazyObject{m: m, indexed: true}
	for _, f := range [...]struct{ key, text string }{
		{"id", e.ID}, {"app", e.App}, {"service", e.Service}, {"operation", e.Operation},
		{"phase", e.Phase}, {"origin", e.Origin},
	} {
		l.put(f.key, m.js.ToValue(f.text))
	}
	l.put("depth", m.js.ToValue(e.Depth))
	return m.finish(l)
}

// settings is context.settings, built once for each run.
func (r *run) settings() goja.Value {
	if r.settingsValue == nil {
		r.settingsValue = r.m.value(orEmpty(r.call.Settings))
	}
	return r.settingsValue
}
