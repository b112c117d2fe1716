package script

import (
	"slices"
	"time"

	"github.com/dop251/goja"
)

// maxPending bounds the timers, and the host calls under way, of one run.
const maxPending = 1000

type timer struct {
	id    int64
	at    time.Time
	every time.Duration // 0 fires once
	call  goja.Callable
	args  []goja.Value
}

// due returns the timer whose time has come first, or nil.
func (l *loop) due(now time.Time) *timer {
	if t := l.earliest(); t != nil && !t.at.After(now) {
		return t
	}
	return nil
}

// earliest returns the next timer; of two at the same time the one that was set first.
func (l *loop) earliest() *timer {
	var next *timer
	for _, t := range l.timers {
		if next == nil || t.at.Before(next.at) {
			next = t
		}
	}
	return next
}

func (r *run) fire(t *timer) {
	if t.every > 0 {
		t.at = time.Now().Add(t.every)
	} else {
		r.loop.clear(t.id)
	}
	r.callback(t.call, t.args...)
}

func (l *loop) clear(id int64) {
	l.timers = slices.DeleteFunc(l.timers, func(t *timer) bool { return t.id == id })
}

// timer makes setTimeout or setInterval.
func (m *machine) timer(repeat bool) native {
	return func(call goja.FunctionCall) goja.Value {
		d := time.Duration(min(max(call.Argument(1).ToFloat(), 1), 1<<31-1) * float64(time.Millisecond))
		t := &timer{at: time.Now().Add(d)}
		if repeat {
			t.every = d
		}
		return m.schedule(t, call.Argument(0), call.Arguments, 2)
	}
}

func (m *machine) immediate() native {
	return func(call goja.FunctionCall) goja.Value {
		return m.schedule(&timer{at: time.Now()}, call.Argument(0), call.Arguments, 1)
	}
}

func (m *machine) schedule(t *timer, f goja.Value, args []goja.Value, skip int) goja.Value {
	callable, ok := goja.AssertFunction(f)
	if !ok {
		m.throw("a timer takes a function")
	}
	if m.run.answered {
		return m.js.ToValue(0) // it would never run
	}
	l := m.run.events()
	if len(l.timers) >= maxPending {
		m.throw("more than %d timers", maxPending)
	}
	l.nextID++
	t.id, t.call = l.nextID, callable
	if len(args) > skip {
		t.args = slices.Clone(args[skip:])
	}
	l.timers = append(l.timers, t)
	return m.js.ToValue(t.id)
}

func (m *machine) clearTimer(call goja.FunctionCall) goja.Value {
	if l := m.run.loop; l != nil {
		l.clear(call.Argument(0).ToInteger())
	}
	return goja.Undefined()
}

// microtask makes queueMicrotask from the promises of the runtime.
func (m *machine) microtask() native {
	return func(call goja.FunctionCall) goja.Value {
		if _, ok := goja.AssertFunction(call.Argument(0)); !ok {
			m.throw("queueMicrotask takes a function")
		}
		p, resolve, _ := m.js.NewPromise()
		o := m.js.ToValue(p).ToObject(m.js)
		then, _ := goja.AssertFunction(o.Get("then"))
		f, _ := goja.AssertFunction(call.Argument(0))
		if _, err := then(o, m.js.ToValue(func(goja.FunctionCall) goja.Value {
			v, err := f(goja.Undefined())
			if err != nil {
				panic(rethrow(err))
			}
			return v
		})); err != nil {
			panic(rethrow(err))
		}
		if err := resolve(goja.Undefined()); err != nil {
			panic(err)
		}
		return goja.Undefined()
	}
}
