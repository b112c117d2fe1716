package script

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how an engine works; the zero value is ready for use.
type Config struct {
	// Idle is how many runtimes are kept for the next runs, at most: as many as there were runs at once, and after 10 s
	// in which so many were not needed, 8 for each processor. Making one takes some milliseconds, keeping one 700 KB, or
	// twice that with libraries. Default: 256, or one for each MiB of Heap if those are fewer.
	Idle int
	// Heap bounds what the runs of an engine take of the heap together, in bytes. A run that is alone in taking more is
	// stopped. Default 0: nothing does.
	Heap uint64
}

func (c Config) withDefaults() Config {
	if c.Idle <= 0 {
		c.Idle = 256
		if c.Heap > 0 {
			c.Idle = min(c.Idle, int(c.Heap>>20))
		}
	}
	return c
}

// unused is for how long a runtime is kept that is not needed.
const unused = 10 * time.Second

// Engine runs programs on a pool of runtimes. It is safe for concurrent use and does not bound how many runs are
// under way; its caller does.
type Engine struct {
	config Config

	mu       sync.Mutex
	idle     []*machine // the last one is used next
	warm     int        // so many are kept for however long
	trimming bool       // trim will be called
	closed   bool

	watchdog   watchdog
	abandoned  atomic.Int64
	stragglers sync.WaitGroup // host calls
}

// NewEngine returns an engine whose runtimes are made when they are needed.
func NewEngine(c Config) *Engine {
	e := &Engine{config: c.withDefaults(), warm: 8 * runtime.GOMAXPROCS(0)}
	e.watchdog.heap.bound = c.Heap
	return e
}

// Abandoned returns how many runs are still stuck in a built-in function after their deadline. Each holds a goroutine
// and, as a rule, a processor.
func (e *Engine) Abandoned() int { return int(e.abandoned.Load()) }

// Close lets go of the pool and returns when no host call is under way any more, or with the error of ctx. A run that
// begins later still works.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	e.idle, e.closed = nil, true
	e.mu.Unlock()
	return e.Wait(ctx)
}

// Wait returns when no host call is under way any more, also of runs that did not wait for it, or with the error of
// ctx. Nothing may be run meanwhile.
func (e *Engine) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		e.stragglers.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run runs one function and returns at the latest shortly (under 100 ms) after its deadline, or after ctx is done.
func (e *Engine) Run(ctx context.Context, p *Program, c *Call) Result {
	done := make(chan Result, 1)
	go func() {
		if res, ok := e.RunHere(ctx, p, c, func(res Result) { done <- res }); ok {
			done <- res
		}
	}()
	return <-done
}

// RunHere runs one function on the caller's goroutine, which is faster: handing a short run over to another goroutine
// costs half as much as the run. A run that is stuck in a built-in function shortly after its deadline holds the
// goroutine nevertheless: then late is called with the result, once, on a goroutine of its own, and whenever RunHere
// returns, it returns false and nothing is left to do.
func (e *Engine) RunHere(ctx context.Context, p *Program, c *Call, late func(Result)) (res Result, ok bool) {
	r := &run{ctx: ctx, prog: p, call: c, stragglers: &e.stragglers, onLate: late}
	r.journal.most = c.LogBytes
	if r.past(time.Now()) {
		return r.late(), true
	}
	m := e.take(p)
	r.m = m
	e.watchdog.add(e, r)
	res = m.serve(r)
	r.release()
	switch e.watchdog.remove(r) {
	case taken:
		(<-r.resume)()
		e.abandoned.Add(-1)
		return Result{}, false
	case stopped: // the interrupt may still be set: the runtime is not kept
	default:
		e.keep(m)
	}
	return res, true
}

// late is the result of a run that has not come back, or was not begun.
func (r *run) late() Result {
	log, warnings := r.journal.take()
	return Result{Err: r.tooLate(), Log: log, Warnings: warnings}
}

func (e *Engine) take(p *Program) *machine {
	if p.fresh {
		return newMachine(false)
	}
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		m := e.idle[n-1]
		e.idle[n-1] = nil
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return m
	}
	e.mu.Unlock()
	return newMachine(true)
}

// keep returns the runtime to the pool if it may serve another run.
func (e *Engine) keep(m *machine) {
	if !m.frozen || m.spent {
		return
	}
	m.forget()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.idle) >= e.config.Idle || e.closed {
		return
	}
	e.idle = append(e.idle, m)
	if len(e.idle) > e.warm {
		m.kept = time.Now()
		e.trimLater()
	}
}

// trimLater has the pool trimmed. The lock is held.
func (e *Engine) trimLater() {
	if !e.trimming {
		e.trimming = true
		time.AfterFunc(unused, e.trim)
	}
}

// trim lets go of what was not used for long.
func (e *Engine) trim() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trimming = false
	if len(e.idle) <= e.warm {
		return
	}
	before := time.Now().Add(-unused)
	kept := slices.DeleteFunc(e.idle[e.warm:], func(m *machine) bool { return m.kept.Before(before) })
	e.idle = e.idle[:e.warm+len(kept)]
	e.trimLater()
}
