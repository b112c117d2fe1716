//go:build unix

package executor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The shared memory of one executor: a head, a journal of records, room for what it counts, and slots. Its pages come into being when they are
// first written to, so that room for many large payloads costs nothing until they come.
const (
	headSize    = 4 << 10
	journalSize = 8 << 20
	slotsAt     = headSize + journalSize + CountsSize
	slotSize    = 1<<20 + 20<<10      // an odd number of pages, so that slots do not share their places in the caches
	slotHead    = 2 << 10             // what is said of a payload; both are in one page, if the payload is small
	slotData    = slotSize - slotHead // the largest payload that a slot keeps, in bytes

	_ = uint(slotHead - unsafe.Sizeof(slot{})) // it fits
)

// head is the beginning of the shared memory.
type head struct {
	slots     atomic.Uint32 // how many there are
	used      atomic.Uint32 // no slot from here on was ever used
	warm      atomic.Uint32 // 1: the executor could serve
	serve     atomic.Uint32 // 1: it is to
	ready     atomic.Uint32 // 1: it does
	beat      atomic.Int64  // when the executor last gave a sign of life
	confirmed atomic.Uint64 // answers up to this number have reached their server
	written   atomic.Uint64 // of the journal: bytes that were ever kept
	dropped   atomic.Uint64 // of those, that need not be kept any more
}

// What a slot is used for.
const (
	free uint32 = iota
	held
	answered // but the answer may not have left the process yet
)

// Where the run of a slot stands.
const (
	nothing uint32 = iota
	computing
	waiting
)

// The room for texts, in bytes. What is longer is cut, except what is needed to answer.
const (
	maxSubject = 400
	maxText    = 96
)

// slotText is a text in shared memory.
type slotText struct {
	size uint32
	text [maxText]byte
}

func (t *slotText) set(s string) { t.size = uint32(copy(t.text[:], s)) }

func (t *slotText) get() string { return string(t.text[:min(t.size, maxText)]) }

// slot is what stands at the beginning of each slot; its payload follows. The first part is written before state says
// that the slot is held, the second between two steps of version, which is odd meanwhile.
type slot struct {
	state    atomic.Uint32
	owner    slotText // the app
	kind     uint32
	answer   uint64 // its number
	deadline int64
	data     uint32
	tooLarge bool // the payload is not here
	sent     bool // the data is not the payload any more, but the answer
	subject  struct {
		size uint32
		text [maxSubject]byte
	}
	reply struct {
		size uint32
		text [maxSubject]byte
	}
	trace slotText

	version  atomic.Uint32
	stand    atomic.Uint32
	until    atomic.Int64
	started  int64
	release  uint64
	attempt  uint32
	run      slotText
	app      slotText
	what     slotText
	name     slotText
	function slotText
	id       slotText
}

// region is the shared memory as one process sees it.
type region struct {
	bytes []byte
	*head
}

// size is how many bytes there are for so many slots.
func size(slots int) int { return slotsAt + slots*slotSize }

// mapRegion maps the file into this process.
func mapRegion(f *os.File, slots int) (*region, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size(slots), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	return &region{b, (*head)(unsafe.Pointer(&b[0]))}, nil
}

func (r *region) unmap() error { return unix.Munmap(r.bytes) }

func (r *region) journal() []byte { return r.bytes[headSize : headSize+journalSize] }

func (r *region) counts() []byte { return r.bytes[headSize+journalSize : slotsAt : slotsAt] }

func (r *region) at(i int) *slot {
	return (*slot)(unsafe.Pointer(&r.bytes[slotsAt+i*slotSize]))
}

// beyond is all of a slot but its first page.
func (r *region) beyond(i int) []byte {
	start := slotsAt + i*slotSize
	return r.bytes[start+headSize : start+slotSize]
}

// data is the room for the payload of a slot.
func (r *region) data(i int) []byte {
	start := slotsAt + i*slotSize
	return r.bytes[start+slotHead : start+slotSize : start+slotSize]
}
