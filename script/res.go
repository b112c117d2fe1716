package script

import "github.com/dop251/goja"

// newRes makes the prototype of res; end, send and json are one function.
func (m *machine) newRes() *goja.Object {
	end := m.function("end", func(call goja.FunctionCall) goja.Value {
		m.run.end(call.Argument(0))
		return goja.Undefined()
	})
	return m.object(map[string]any{
		"end": end, "send": end, "json": end,
		"status": func(call goja.FunctionCall) goja.Value {
			m.run.setStatus(call.Argument(0))
			return call.This
		},
	})
}

// end takes the answer. The first call counts.
func (r *run) end(v goja.Value) {
	if r.answered {
		r.warn("res.end was called again; the first answer counts")
		return
	}
	if r.gaveUp(v) {
		return
	}
	if err := r.accept(v); err != nil {
		panic(r.m.js.NewTypeError("res.end: " + err.Error()))
	}
	r.answer.Ended = true
}

func (r *run) setStatus(v goja.Value) {
	n := v.ToInteger()
	if n < 100 || n > 599 {
		panic(r.m.js.NewTypeError("res.status takes a number from 100 to 599"))
	}
	if !r.answered {
		r.answer.Status = int(n)
	}
}

// accept turns v into the answer at once, so that what happens to it later has no effect.
func (r *run) accept(v goja.Value) error {
	e := encoder{m: r.m}
	if o, ok := v.(*goja.Object); ok {
		if o.ClassName() == "Error" { // as in if (err) return res.end(err)
			v = r.m.object(map[string]any{"error": o})
		}
		e.out, e.fields, e.path = make([]byte, 0, r.guess()), make([]Field, 0, 2), r.m.path[:0]
	}
	ok, err := e.encode(v, "")
	if err != nil {
		return err
	}
	r.answered, r.endJob = true, r.m.jobs
	if !ok {
		return nil
	}
	r.answer.Raw = e.out
	for i := range e.fields {
		f := &e.fields[i]
		f.Raw = e.out[f.start:f.end:f.end]
	}
	r.answer.Fields = e.fields
	return nil
}

// guess is how many bytes an answer may need: most give back the body with a little more.
func (r *run) guess() int { return min(len(r.call.Request.Body)+128, 64<<10) }
