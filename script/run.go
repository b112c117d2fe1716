package script

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dop251/goja"
)

// run is one run of one program, on the goroutine that serves it. Only the journal is shared with others.
type run struct {
	m    *machine
	ctx  context.Context
	prog *Program
	call *Call

	compiling  bool            // only to see what the file defines
	timed      context.Context // ctx with the deadline; see context
	untimed    context.CancelFunc
	calls      *background // nil until there is a host call
	stragglers *sync.WaitGroup
	journal    journal
	modules    map[string]*goja.Object // module objects of the files that were required
	loop       *loop                   // nil until a timer or host call needs it

	answered bool // an answer was given
	endJob   int  // in which promise job
	closed   bool // nothing of the script may run any more
	answer   Answer
	failure  *Error

	promise  *goja.Promise // what the function returned, while it is not settled
	resolved bool          // that promise resolved to undefined
	function *goja.Object
	module   *goja.Object    // of the main file, if it uses it
	rejected []*goja.Promise // rejections that nobody handles

	onLate        func(Result)
	resume        chan func() // of the place that a run gave up when it was taken
	seat          int         // among those that the watchdog looks after; with what follows under its lock
	fate          fate
	made          int          // host calls
	greedy        bool         // it was stopped for its memory
	waits         atomic.Bool  // for a host call or timer
	looks         atomic.Int32 // at the heap while it computed
	interruptedAt time.Time

	settingsValue goja.Value
	templates     *goja.Object // the environment of Handlebars
	hasReq        bool
	plainReq      *goja.Object
	plainContext  []byte // as it was before the script
}

var errDeadline = errors.New("the deadline has passed")

// How a run that did not end in time is described.
const (
	errNoEnd   = "the function returned without res.end() and nothing is pending, so it can never end"
	errForever = "the function waits for a promise that can never settle, because nothing is pending"
	errDeadMsg = "the function did not end in time"
)

// serve runs r to its end and always returns a result, whatever happens inside.
func (m *machine) serve(r *run) (res Result) {
	defer func() {
		if x := recover(); x != nil {
			m.spent = true
			if err, ok := x.(error); ok && interrupted(err) {
				r.fail(err)
			} else {
				r.failure = &Error{Kind: Threw, Message: fmt.Sprintf("internal error in the sandbox: %v", firstLine(x))}
			}
			res = r.result(nil)
		}
	}()
	m.begin(r)
	if r.prog.isExpr() {
		r.test()
	} else {
		r.start()
		r.drive()
	}
	r.closed = true
	return r.result(r.takeContext())
}

// context is what a run waits under, made when it first waits. It ends with the run.
func (r *run) context() context.Context {
	if r.timed == nil {
		r.timed, r.untimed = r.ctx, func() {}
		if !r.call.Deadline.IsZero() {
			r.timed, r.untimed = context.WithDeadline(r.ctx, r.call.Deadline)
		}
	}
	return r.timed
}

// release lets go of what outlives the run.
func (r *run) release() {
	if r.calls != nil {
		r.calls.release()
	}
	if r.untimed != nil {
		r.untimed()
	}
}

// start evaluates the file and calls the function.
func (r *run) start() {
	switch {
	case r.call.Function == "":
		r.after(r.value())
	case r.prog.fresh:
		r.after(r.callScript())
	default:
		r.after(r.enter())
	}
}

// after looks at what the function returned.
func (r *run) after(v goja.Value, err error) {
	if err != nil {
		r.fail(err)
		return
	}
	if r.over() || v == nil || goja.IsUndefined(v) {
		return
	}
	if p := r.promiseOf(v); p != nil {
		r.promise = p
		r.settle()
		return
	}
	r.returned(v)
}

// promiseOf returns v as a promise if it is one, or a thenable.
func (r *run) promiseOf(v goja.Value) (p *goja.Promise) {
	o, ok := v.(*goja.Object)
	if !ok {
		return nil
	}
	if o.ExportType() == promiseType {
		return o.Export().(*goja.Promise)
	}
	if o.ExportType() == lazyType {
		return nil
	}
	r.guard(func() {
		if _, ok := goja.AssertFunction(o.Get("then")); ok {
			promise, resolve, _ := r.m.js.NewPromise()
			if err := resolve(v); err != nil {
				panic(err)
			}
			p = promise
		}
	})
	return p
}

// settle looks whether the returned promise has settled.
func (r *run) settle() {
	if r.promise == nil || r.answered {
		return
	}
	switch p := r.promise; p.State() {
	case goja.PromiseStateFulfilled:
		r.promise = nil
		if v := p.Result(); v == nil || goja.IsUndefined(v) {
			r.resolved = true
		} else {
			r.returned(v)
		}
	case goja.PromiseStateRejected:
		r.promise = nil
		r.handled(p)
		r.failure = r.thrown(p.Result(), nil)
	}
}

func (r *run) returned(v goja.Value) {
	if r.call.Function == "" && functionIn(v) != nil {
		r.failure = &Error{Kind: Threw, Message: "the last value is a function: call it, as in main();", File: r.prog.main.path}
		return
	}
	if r.gaveUp(v) {
		return
	}
	r.guard(func() {
		if err := r.accept(v); err != nil {
			r.failure = &Error{Kind: Threw, Message: "the returned value: " + err.Error(), File: r.prog.main.path}
		}
	})
}

// guard runs code that may throw outside of any JavaScript call.
func (r *run) guard(f func()) {
	if ex := r.m.js.Try(f); ex != nil {
		r.fail(ex)
	}
}

// fail ends the run with an error, unless it has answered: then the answer stands.
func (r *run) fail(err error) {
	var text string
	switch {
	case interrupted(err):
		r.m.spent = true
		if r.failure == nil {
			r.failure = r.tooLate()
			r.place(r.failure, err)
		}
		text = "the script was still running at its deadline, after it had answered"
	default:
		e := r.failureOf(err)
		if r.failure == nil {
			r.failure = e
		}
		text = "thrown after the answer: " + e.Error()
	}
	if r.answered {
		r.failure = nil
		r.warn(text)
	}
}

func interrupted(err error) bool {
	_, ok := errors.AsType[*goja.InterruptedError](err)
	return ok
}

func (r *run) over() bool { return r.answered || r.failure != nil }

// result collects how the run went.
func (r *run) result(reqContext []byte) Result {
	if !r.m.spent { // then nothing of the script can be looked at
		r.reportRejections()
	}
	log, warnings := r.journal.take()
	res := Result{Err: r.failure, Log: log, Warnings: warnings, Context: reqContext}
	if r.failure == nil {
		res.Answer = r.answer
	}
	return res
}

// takeContext returns req.context as JSON if the script touched it.
func (r *run) takeContext() (out []byte) {
	if r.failure != nil {
		return nil
	}
	var v goja.Value
	r.guardContext(func() {
		e := encoder{m: r.m}
		switch {
		case r.plainReq != nil:
			v = r.plainReq.Get("context")
		default:
			if i := r.m.req.find("context"); i >= 0 {
				v = r.m.req.slots[i].value
			}
		}
		if v == nil {
			return
		}
		ok, err := e.encode(v, "context")
		if err != nil {
			r.failure = &Error{Kind: Threw, Message: "req.context: " + err.Error(), File: r.prog.main.path}
		} else if ok && (r.plainReq == nil || !bytes.Equal(e.out, r.plainContext)) {
			out = e.out
		}
	})
	return out
}

func (r *run) guardContext(f func()) {
	if !r.hasReq {
		return
	}
	if ex := r.m.js.Try(f); ex != nil {
		r.failure = r.failureOf(ex)
	}
}
