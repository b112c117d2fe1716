package script

import (
	"sync"
	"time"
)

const (
	// watchEvery is how often the watchdog looks, and so how late an interrupt can be.
	watchEvery = 5 * time.Millisecond
	// grace is how long a run has, once it is interrupted, before it is answered for.
	grace = 50 * time.Millisecond
	// watchIdle is for how many looks the watchdog waits for another run before it ends.
	watchIdle = 10
)

// fate is what the watchdog has done to a run.
type fate int

const (
	untouched fate = iota
	stopped        // interrupted, at its deadline
	taken          // it did not mind; somebody else answers for it
)

// watchdog interrupts the runs of an engine at their deadline, and has those answered for that do not end then. One
// goroutine looks after all of them, because a timer for each costs a fifth of a short run. It lasts while there are any.
type watchdog struct {
	mu      sync.Mutex
	runs    []*run
	looking bool
	heap    heap
}

func (w *watchdog) add(e *Engine, r *run) {
	w.mu.Lock()
	r.seat = len(w.runs)
	w.runs = append(w.runs, r)
	start := !w.looking
	w.looking = true
	w.mu.Unlock()
	if start {
		go w.look(e)
	}
}

// remove ends the watch over a run and returns what became of it. Nothing is done to it any more.
func (w *watchdog) remove(r *run) fate {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.fate != taken {
		w.drop(r)
	}
	return r.fate
}

func (w *watchdog) drop(r *run) {
	last := len(w.runs) - 1
	w.runs[r.seat] = w.runs[last]
	w.runs[r.seat].seat = r.seat
	w.runs[last] = nil
	w.runs = w.runs[:last]
}

func (w *watchdog) look(e *Engine) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for idle := 0; ; {
		some, stuck := w.judge(<-tick.C)
		for _, r := range stuck {
			e.abandoned.Add(1)
			r.leave()
		}
		if idle++; some {
			idle = 0
		}
		if idle >= watchIdle && w.rest() {
			return
		}
	}
}

// judge interrupts what is past its deadline, and takes over what was interrupted and goes on.
func (w *watchdog) judge(now time.Time) (some bool, stuck []*run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := 0; i < len(w.runs); i++ {
		switch r := w.runs[i]; {
		case r.fate == untouched && r.past(now):
			r.fate, r.interruptedAt = stopped, now
			r.m.js.Interrupt(errDeadline)
		case r.fate == stopped && now.Sub(r.interruptedAt) >= grace:
			r.fate, r.resume = taken, make(chan func(), 1)
			w.drop(r)
			i-- // another stands here now
			stuck = append(stuck, r)
		}
	}
	if r := w.heap.excess(w.runs, now); r != nil {
		r.fate, r.interruptedAt, r.greedy = stopped, now, true
		r.m.js.Interrupt(errMemory)
	}
	return len(w.runs) > 0, stuck
}

// rest ends the watch if there is nothing to look after.
func (w *watchdog) rest() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looking = len(w.runs) > 0
	return !w.looking
}

// past reports whether the run should have ended.
func (r *run) past(now time.Time) bool {
	return !r.call.Deadline.IsZero() && !now.Before(r.call.Deadline) || r.ctx.Err() != nil
}

// leave answers for the run, whose goroutine gives up its place.
func (r *run) leave() {
	resume := func() {}
	if r.call.Park != nil {
		resume = r.call.Park()
	}
	r.resume <- resume
	go r.onLate(r.late())
}
