package script

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// grace is how long Run waits past the deadline for a run that was interrupted.
const grace = 50 * time.Millisecond

// Config says how an engine works; the zero value is ready for use.
type Config struct {
	// Idle is how many runtimes are kept for the next runs. Making one takes some milliseconds, keeping one some
	// hundred kilobytes. Default: 8 for each processor.
	Idle int
}

func (c Config) withDefaults() Config {
	if c.Idle <= 0 {
		c.Idle = 8 * runtime.GOMAXPROCS(0)
	}
	return c
}

// Engine runs programs on a pool of runtimes. It is safe for concurrent use and does not bound how many runs are
// under way; its caller does.
type Engine struct {
	config Config

	mu     sync.Mutex
	idle   []*machine
	closed bool

	abandoned  atomic.Int64
	stragglers sync.WaitGroup // host calls
}

// NewEngine returns an engine whose runtimes are made when they are needed.
func NewEngine(c Config) *Engine { return &Engine{config: c.withDefaults()} }

// Abandoned returns how many runs are still stuck in a built-in function after their deadline. Each holds a goroutine
// and, as a rule, a processor.
func (e *Engine) Abandoned() int { return int(e.abandoned.Load()) }

// Close lets go of the pool and returns when no host call is under way any more, or with the error of ctx. A run that
// begins later still works.
func (e *Engine) Close(ctx context.Context) error {
	e.mu.Lock()
	idle := e.idle
	e.idle, e.closed = nil, true
	e.mu.Unlock()
	for _, m := range idle {
		m.stop()
	}
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

// Run runs one function and returns at the latest shortly (under 100 ms) after ctx is done.
func (e *Engine) Run(ctx context.Context, p *Program, c *Call) Result {
	r := &run{ctx: ctx, prog: p, call: c, stragglers: &e.stragglers}
	if ctx.Err() != nil {
		return r.late()
	}
	m := e.take(p)
	r.m = m
	m.state.Store(running)
	m.tasks <- r
	select {
	case res := <-m.done:
		return e.keep(m, res)
	case <-ctx.Done():
	}
	m.js.Interrupt(errDeadline)
	alarm := time.NewTimer(grace)
	defer alarm.Stop()
	select {
	case res := <-m.done: // the interrupt may still be set: the runtime is not kept
		m.stop()
		return res
	case <-alarm.C:
	}
	e.abandoned.Add(1)
	m.stop()
	if !m.state.CompareAndSwap(running, abandoned) {
		e.abandoned.Add(-1)
		return <-m.done
	}
	return r.late()
}

// late is the result of a run that has not come back, or was not begun.
func (r *run) late() Result {
	log, warnings := r.journal.take()
	return Result{Err: r.tooLate(), Log: log, Warnings: warnings}
}

// work serves runs on a goroutine of its own, so that a run that cannot be stopped can be left behind. The goroutine
// lasts as long as the runtime, because growing a new stack for each run costs more than the run.
func (m *machine) work(e *Engine) {
	for r := range m.tasks {
		res := m.serve(r)
		if r.calls != nil {
			r.calls.release()
		}
		if m.state.CompareAndSwap(running, finished) {
			m.done <- res
		} else {
			e.abandoned.Add(-1)
		}
	}
}

func (m *machine) stop() { close(m.tasks) }

func (e *Engine) take(p *Program) *machine {
	if p.fresh {
		return e.start(newMachine(false))
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
	return e.start(newMachine(true))
}

func (e *Engine) start(m *machine) *machine {
	go m.work(e)
	return m
}

// keep returns the runtime to the pool if it may serve another run.
func (e *Engine) keep(m *machine, res Result) Result {
	if !m.frozen || m.spent {
		m.stop()
		return res
	}
	m.forget()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.idle) < e.config.Idle && !e.closed {
		e.idle = append(e.idle, m)
	} else {
		m.stop()
	}
	return res
}
