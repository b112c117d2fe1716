package hooks

import "sync"

// stand is where a run stands, as far as whoever watches the process is told.
type stand struct {
	running Running

	mu   sync.Mutex
	left bool // the run was given up
	back bool // it has come back
	own  Slot // of a run that was given up
}

// onProcessor notes that the script begins.
func (r *run) onProcessor() {
	if r.event.Slot == nil {
		return
	}
	rec := &r.record
	r.stand.mu.Lock()
	r.stand.left, r.stand.back, r.stand.own = false, false, nil
	r.stand.mu.Unlock()
	r.stand.running = Running{
		Run: rec.ID, App: rec.App, Kind: rec.Kind, Name: rec.Name, Function: rec.Function, Event: rec.Event,
		Release: rec.Release, Attempt: rec.Attempt, Started: r.started, Deadline: r.deadline,
	}
	r.event.Slot.Runs(&r.stand.running)
}

// offProcessor notes that the script has come back.
func (r *run) offProcessor() {
	if r.event.Slot == nil {
		return
	}
	r.stand.mu.Lock()
	defer r.stand.mu.Unlock()
	r.stand.back = true
	if r.stand.own != nil {
		r.stand.own.Done(nil)
	}
	if !r.stand.left { // otherwise the slot is the chain's, which has gone on
		r.event.Slot.Runs(nil)
	}
}

// givenUp notes that the chain goes on without the script, which does not come back. It is watched by itself from now
// on, until it does or its process is killed.
func (r *run) givenUp() {
	if r.event.Slot == nil {
		return
	}
	r.stand.mu.Lock()
	defer r.stand.mu.Unlock()
	r.stand.left = true
	if !r.stand.back {
		r.stand.own = r.runner.Watch.Hold(&Held{Kind: HeldStuck, App: r.record.App})
	}
	if r.stand.own != nil {
		r.stand.own.Runs(&r.stand.running)
	}
	r.event.Slot.Runs(nil)
}

// park gives up the run's place while it waits.
func (r *run) park() (resume func()) {
	if r.event.Slot == nil {
		return r.place.Park()
	}
	r.event.Slot.Waits(true)
	unpark := r.place.Park() // not the result by its name, which is the function below
	return func() {
		unpark()
		r.stand.mu.Lock()
		defer r.stand.mu.Unlock()
		if !r.stand.left {
			r.event.Slot.Waits(false)
		}
	}
}
