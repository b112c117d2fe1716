package script

import (
	"sync"
	"time"

	"github.com/dop251/goja"
)

// loop is the event loop of one run: what is pending, and what has come back. All but the mailbox belongs to the
// goroutine of the run.
type loop struct {
	calls   int // host calls under way
	timers  []*timer
	nextID  int64
	clock   *time.Timer
	mailbox mailbox
}

// mailbox takes what host calls bring back, from any goroutine. Post never blocks, also after the run is over.
type mailbox struct {
	mu    sync.Mutex
	items []func()
	ready chan struct{}
}

func (b *mailbox) post(f func()) {
	b.mu.Lock()
	b.items = append(b.items, f)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

func (b *mailbox) take() func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.items) == 0 {
		return nil
	}
	f := b.items[0]
	b.items = b.items[1:]
	return f
}

func (r *run) events() *loop {
	if r.loop == nil {
		r.loop = &loop{mailbox: mailbox{ready: make(chan struct{}, 1)}}
	}
	return r.loop
}

// drive runs what is due until the run is over or nothing is pending.
func (r *run) drive() {
	for !r.over() {
		l := r.loop
		switch {
		case l == nil || l.calls == 0 && len(l.timers) == 0:
			r.nothingPending()
			return
		case r.context().Err() != nil:
			r.failure = r.tooLate()
			return
		}
		if f := l.mailbox.take(); f != nil {
			l.calls--
			f()
		} else if t := l.due(time.Now()); t != nil {
			r.fire(t)
		} else {
			r.wait(l)
		}
		r.settle()
	}
}

// nothingPending decides what it means that nothing can happen any more. What a promise was rejected with that nobody
// handles is then why the run has not ended, as if it had been thrown in a callback.
func (r *run) nothingPending() {
	switch {
	case len(r.rejected) > 0 && !r.resolved:
		first := r.rejected[0]
		r.handled(first)
		r.failure = r.thrown(first.Result(), nil)
	case r.promise != nil:
		r.failure = &Error{Kind: TimedOut, Message: errForever, File: r.prog.main.path}
	case r.call.Mode == Gate && r.call.Function != "" && !r.resolved && r.takesRes():
		r.failure = &Error{Kind: TimedOut, Message: errNoEnd, File: r.prog.main.path}
	}
}

func (r *run) tooLate() *Error {
	if r.greedy {
		return &Error{Kind: Greedy, Message: errMemMsg, File: r.prog.main.path}
	}
	return &Error{Kind: TimedOut, Message: errDeadMsg, File: r.prog.main.path}
}

func (r *run) takesRes() (takes bool) {
	r.guard(func() { takes = r.function.Get("length").ToInteger() >= 2 })
	return takes
}

// wait sleeps until a host call is back, a timer is due or the run has to stop.
func (r *run) wait(l *loop) {
	r.waits.Store(true)
	defer func() {
		r.looks.Store(0)
		r.waits.Store(false)
	}()
	if r.call.Park != nil {
		defer r.call.Park()()
	}
	var alarm <-chan time.Time
	if t := l.earliest(); t != nil {
		d := time.Until(t.at)
		if l.clock == nil {
			l.clock = time.NewTimer(d)
		} else {
			l.clock.Reset(d)
		}
		alarm = l.clock.C
		defer l.clock.Stop()
	}
	select {
	case <-l.mailbox.ready:
	case <-alarm:
	case <-r.context().Done():
	}
}

// callback runs a function of the script from the loop.
func (r *run) callback(f goja.Callable, args ...goja.Value) {
	if _, err := f(goja.Undefined(), args...); err != nil {
		r.fail(err)
	}
}
