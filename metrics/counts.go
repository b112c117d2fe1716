package metrics

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"gaff/hooks"
)

// places is how many places the index has: three times as many as there can be series.
const places = 1 << 15

// Counts counts the runs of a process. It is safe for concurrent use, and waits for nobody once something of the same name
// has been counted.
type Counts struct {
	memory *memory
	seed   maphash.Seed
	index  [places]atomic.Uint32 // by hash: the place of a series in memory, from 1; 0: none

	mu    sync.Mutex           // of making series
	times [maxSeries]*duration // of each series; nil: it says nothing of time
}

// NewCounts returns counts in memory of this process.
func NewCounts() *Counts { return &Counts{memory: &memory{}, seed: maphash.MakeSeed()} }

// CountsIn returns counts in memory that other processes read, at least [Size] bytes that are zero, on a boundary of 8.
func CountsIn(b []byte) *Counts { return &Counts{memory: in(b), seed: maphash.MakeSeed()} }

func in(b []byte) *memory {
	_ = b[Size-1]
	return (*memory)(unsafe.Pointer(unsafe.SliceData(b)))
}

// Run counts the record of a run that took so many milliseconds; records of other kinds are none. It costs some tens of
// nanoseconds.
func (c *Counts) Run(app string, kind hooks.Kind, name string, status hooks.Status, ms float64) {
	k := key{app: app, name: name, kind: uint8(slices.Index(kinds, kind)), status: uint8(slices.Index(statuses, status))}
	if int(k.kind) >= len(kinds) || int(k.status) >= len(statuses) {
		return
	}
	i, ok := c.find(k)
	if !ok {
		if !hooks.ValidName(app) || !hooks.ValidName(name) {
			return
		}
		i = c.add(k)
	}
	c.memory.counts[i].runs.Add(1)
	if d := c.times[i]; d != nil {
		d.micros.Add(uint64(max(ms, 0) * 1000))
		d.buckets[bucket(ms/1000)].Add(1)
	}
}

// Dropped counts records that were dropped.
func (c *Counts) Dropped(n uint64) { c.memory.dropped.Add(n) }

// bucket is where a time belongs, in seconds.
func bucket(s float64) int {
	i := 0
	for i < len(bounds) && s > bounds[i] {
		i++
	}
	return i
}

// first is where the index is looked at first for k.
func (c *Counts) first(k key) uint64 {
	return maphash.String(c.seed, k.name) + 31*maphash.String(c.seed, k.app) + uint64(k.kind)<<8 + uint64(k.status)
}

// find returns the place of a series in memory, if there is one.
func (c *Counts) find(k key) (int, bool) {
	for h := c.first(k); ; h++ {
		i := c.index[h%places].Load()
		if i == 0 {
			return 0, false
		}
		if c.memory.counts[i-1].is(k) {
			return int(i - 1), true
		}
	}
}

// add makes a series, or returns that in which k is counted for want of room.
func (c *Counts) add(k key) int {
	if i, _, ok := c.nearest(k); ok {
		return i
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i, k, ok := c.nearest(k)
	if !ok {
		i = c.make(k)
	}
	return i
}

// nearest returns the series in which k is counted, or the one to be made for it.
func (c *Counts) nearest(k key) (int, key, bool) {
	rest := k.rest()
	for i, most := range [...]int{maxNamed, maxApps, maxSeries} {
		if i > 0 {
			k = rest[i-1]
		}
		if at, ok := c.find(k); ok {
			return at, k, true
		}
		if int(c.memory.series.Load()) < most {
			break
		}
	}
	return 0, k, false // there is room for every kind and status of the last
}

// make makes a series; the caller holds the lock.
func (c *Counts) make(k key) int {
	i := int(c.memory.series.Load())
	c.memory.counts[i].set(k)
	if statuses[k.status] != hooks.StatusDead { // which is no run, but the end of several
		c.times[i] = c.timed(key{app: k.app, kind: k.kind})
	}
	c.memory.series.Store(uint32(i + 1))
	for h := c.first(k); ; h++ {
		if place := &c.index[h%places]; place.Load() == 0 {
			place.Store(uint32(i + 1))
			return i
		}
	}
}

// timed returns the histogram of an app's kind, or of the kind for want of room; the caller holds the lock.
func (c *Counts) timed(k key) *duration {
	n := int(c.memory.times.Load())
	for most := maxTimed; ; k.app, most = other, maxTimes {
		for i := range n {
			if d := &c.memory.duration[i]; d.is(k) {
				return d
			}
		}
		if n < most {
			d := &c.memory.duration[n]
			d.set(k)
			c.memory.times.Store(uint32(n + 1))
			return d
		}
	}
}
