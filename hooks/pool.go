package hooks

import (
	"context"
	"sync"
	"sync/atomic"
)

// Pool runs functions on a bounded number of goroutines. Its places are for runs that compute; one that waits parks and
// leaves its place to another, so that hooks which call hooked services cannot starve each other. What is running,
// waiting and queued together is bounded too: past that, Submit refuses at once.
type Pool struct {
	places int64
	bound  int64

	queue    chan func()
	inFlight atomic.Int64
	active   atomic.Int64 // workers that hold a place
	workers  sync.WaitGroup
}

// NewPool returns a pool with so many places and so many functions in flight at most.
func NewPool(places, bound int) *Pool {
	p := &Pool{places: int64(places), bound: int64(bound), queue: make(chan func(), bound)}
	for range places {
		p.start()
	}
	return p
}

// Submit has f run soon, or returns false if the pool is full. It does not block.
func (p *Pool) Submit(f func()) bool {
	if p.inFlight.Add(1) > p.bound {
		p.inFlight.Add(-1)
		return false
	}
	p.queue <- f
	return true
}

// Park gives up the caller's place, which must be a function that the pool runs; the caller waits for something and
// then calls resume. A run that resumes does not queue for a place again, so for a moment more may compute than there
// are places; the surplus worker ends after its present function.
func (p *Pool) Park() (resume func()) {
	if p.active.Add(-1) < p.places {
		p.start()
	}
	return func() { p.active.Add(1) }
}

func (p *Pool) start() {
	p.active.Add(1)
	p.workers.Go(p.work)
}

func (p *Pool) work() {
	for f := range p.queue {
		f()
		p.inFlight.Add(-1)
		if p.surplus() {
			return
		}
	}
	p.active.Add(-1)
}

// surplus gives up the worker's place if there are more workers than places.
func (p *Pool) surplus() bool {
	for {
		n := p.active.Load()
		if n <= p.places {
			return false
		}
		if p.active.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// Handler returns a handler whose work is done by the pool; it waits for the verdict. An event that the pool has no
// room for gets an OVERLOADED verdict.
func (p *Pool) Handler(a Answerer) Handler {
	return HandlerFunc(func(ctx context.Context, e *Event) Verdict {
		done := make(chan Verdict, 1)
		if !p.Submit(func() { a.HandleThen(ctx, e, func(v Verdict) { done <- v }) }) {
			return Stop(Errorf(CodeOverloaded, "too many runs in flight; try again"))
		}
		return <-done
	})
}

// Close waits for everything submitted and ends the workers. Nobody may submit any more.
func (p *Pool) Close() {
	close(p.queue)
	p.workers.Wait()
}
