package script

import (
	"errors"
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// heapEvery is how many looks of the watchdog lie between two at the heap.
	heapEvery = 4
	// collectEvery is how often garbage is collected, at most, to see what of the heap is in use.
	collectEvery = 100 * time.Millisecond
	// begun is for how many looks a run must have been computing to be held responsible for memory.
	begun = 2
)

var errMemory = errors.New("too much memory")

// errMemMsg describes a run that has taken too much memory.
const errMemMsg = "the script took too much memory"

// heap watches what runs take of it. A run is stopped for memory only if no other can have taken it: that of several is
// for the process wall to find out.
type heap struct {
	bound     uint64 // of the whole heap; 0: none
	looks     int
	collected time.Time
	quiet     uint64 // how much was in use when nothing computed for long
}

// excess returns the run that has taken more than it may, or nil. The lock of the watchdog is held.
func (h *heap) excess(runs []*run, now time.Time) *run {
	if h.looks++; h.looks%heapEvery != 0 {
		return nil
	}
	var only *run
	for _, r := range runs {
		if r.waits.Load() || r.fate != untouched || r.looks.Add(1) <= begun {
			continue
		}
		if only != nil {
			return nil
		}
		only = r
	}
	used := inUse()
	if only == nil {
		h.quiet = used
		return nil
	}
	most := only.call.Memory
	if most == 0 {
		most = h.bound
	}
	if h.bound != 0 && h.quiet+most > h.bound {
		most = h.bound - min(h.quiet, h.bound)
	}
	if most == 0 || used < h.quiet+most || now.Sub(h.collected) < collectEvery {
		return nil
	}
	runtime.GC()
	h.collected = time.Now()
	if inUse() < h.quiet+most {
		return nil
	}
	return only
}

// inUse is how many bytes of the heap objects take, garbage included.
func inUse() uint64 {
	sample := [1]metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample[:])
	return sample[0].Value.Uint64()
}
