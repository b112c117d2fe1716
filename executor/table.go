//go:build unix

package executor

import (
	"context"
	"sync"
	"time"

	"gaff/hooks"
)

const (
	// confirmEvery is how often an executor makes sure that its answers have reached the server.
	confirmEvery = 10 * time.Millisecond
	// confirmWithin bounds that.
	confirmWithin = 2 * time.Second
	// returnFrom is from how many bytes on the memory of a payload is given back.
	returnFrom = 64 << 10
)

// Table is an executor's side of the slots: what it has in hand. It implements [hooks.Watch].
type Table struct {
	region *region
	clock  clock
	places []place

	mu      sync.Mutex
	free    []int // the one that was used last is used next
	done    []int // answered, in order; not confirmed yet
	answers uint64
	wake    chan struct{}
}

var _ hooks.Watch = (*Table)(nil)

func newTable(r *region, c clock) *Table {
	slots := int(r.slots.Load())
	t := &Table{region: r, clock: c, places: make([]place, slots), wake: make(chan struct{}, 1)}
	for i := slots - 1; i >= 0; i-- {
		t.places[i] = place{t, r.at(i), i}
		t.free = append(t.free, i)
	}
	return t
}

// Hold implements [hooks.Watch].
func (t *Table) Hold(h *hooks.Held) hooks.Slot {
	if len(h.Subject) > maxSubject || len(h.Reply) > maxSubject {
		return nil
	}
	t.mu.Lock()
	n := len(t.free)
	if n == 0 {
		t.mu.Unlock()
		return nil
	}
	i := t.free[n-1]
	t.free = t.free[:n-1]
	if used := uint32(i + 1); used > t.region.used.Load() {
		t.region.used.Store(used)
	}
	t.mu.Unlock()
	s := t.region.at(i)
	s.kind, s.deadline = uint32(h.Kind), t.clock.of(h.Deadline)
	pack(s.held[:], s.heldSizes[:], h.Subject, h.Reply, h.App, h.Trace)
	s.data, s.tooLarge, s.sent = uint32(len(h.Data)), len(h.Data) > slotData, false
	if !s.tooLarge {
		copy(t.region.data(i, len(h.Data)), h.Data)
	}
	s.stand.Store(nothing)
	s.until.Store(0)
	s.runSizes[runID] = 0
	s.state.Store(held)
	return &t.places[i]
}

// place is a slot that is in use. It implements [hooks.Slot].
type place struct {
	table *Table
	slot  *slot
	index int
}

// Runs implements [hooks.Slot].
func (p *place) Runs(r *hooks.Running) {
	s := p.slot
	if r == nil {
		s.stand.Store(nothing)
		s.until.Store(0)
		return
	}
	s.version.Add(1)
	pack(s.run[:], s.runSizes[:], r.Run, r.App, string(r.Kind), r.Name, r.Function, r.Event)
	s.release, s.attempt, s.started = r.Release, uint32(r.Attempt), p.table.clock.of(r.Started)
	s.version.Add(1)
	s.until.Store(p.table.clock.of(r.Deadline))
	s.stand.Store(computing)
}

// Waits implements [hooks.Slot].
func (p *place) Waits(w bool) {
	if w {
		p.slot.stand.Store(waiting)
	} else {
		p.slot.stand.Store(computing)
	}
}

// Done implements [hooks.Slot].
func (p *place) Done(answer []byte) {
	t, s := p.table, p.slot
	s.stand.Store(nothing)
	if s.data > returnFrom && !s.tooLarge {
		giveBack(t.region.largeData(p.index))
		s.data, s.tooLarge = 0, true
	}
	if s.heldSizes[heldReply] == 0 {
		s.state.Store(free)
		t.mu.Lock()
		t.free = append(t.free, p.index)
		t.mu.Unlock()
		return
	}
	if answer != nil && len(answer) <= returnFrom {
		copy(t.region.data(p.index, len(answer)), answer)
		s.data, s.tooLarge, s.sent = uint32(len(answer)), false, true
	}
	t.mu.Lock()
	t.answers++
	s.answer = t.answers
	s.state.Store(answered)
	t.done = append(t.done, p.index)
	first := len(t.done) == 1
	t.mu.Unlock()
	if first {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// Run frees slots whose answers have reached the server, which confirm makes sure of, until ctx ends.
func (t *Table) Run(ctx context.Context, confirm func(context.Context) error) error {
	pause := time.NewTimer(confirmEvery)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.wake:
		}
		for t.waiting() {
			upTo := t.answered()
			pause.Reset(confirmEvery)
			select {
			case <-ctx.Done():
				return nil
			case <-pause.C:
			}
			within, cancel := context.WithTimeout(ctx, confirmWithin)
			err := confirm(within)
			cancel()
			if err == nil {
				t.release(upTo)
			}
		}
	}
}

func (t *Table) waiting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.done) > 0
}

func (t *Table) answered() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.answers
}

// release frees the slots of all answers up to that number.
func (t *Table) release(upTo uint64) {
	t.region.confirmed.Store(upTo)
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, i := range t.done {
		s := t.region.at(i)
		if s.answer > upTo {
			break
		}
		s.state.Store(free)
		t.free = append(t.free, i)
		n++
	}
	t.done = append(t.done[:0], t.done[n:]...)
}
