//go:build unix

package executor

import (
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The shared memory of one executor: a head, a journal of records, room for what it counts, slots, and their large payloads.
// Its pages come into being when they are first written to, so that room for many large payloads costs nothing until they
// come. What is used for each call lies side by side: a page by itself takes long to find.
const (
	headSize    = 4 << 10
	journalSize = 8 << 20
	slotsAt     = headSize + journalSize + CountsSize
	slotSize    = 4 << 10 // a page
	slotHead    = 2 << 10 // of it, for what is said of the payload; a small one follows
	slotData    = 1 << 20 // the largest payload that a slot keeps, in bytes

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

// maxSubject bounds what is needed to answer, in bytes. Nothing of it is cut.
const maxSubject = 400

// The room for texts, in bytes. What does not fit is cut.
const (
	heldRoom = 2*maxSubject + 192
	runRoom  = 576
)

// What a slot says of a payload, and of a run, in texts.
const (
	heldSubject = iota
	heldReply
	heldOwner // the app
	heldTrace
	heldTexts
)

const (
	runID = iota
	runApp
	runKind
	runName
	runFunction
	runEvent
	runTexts
)

// slot is what stands at the beginning of each slot; its payload follows. What is said of the payload is written before
// state says that the slot is held, what is said of a run between two steps of version, which is odd meanwhile. Texts lie
// close together: memory that is shared by as many slots as there are answers under way is not in the caches.
type slot struct {
	state    atomic.Uint32
	kind     uint32
	answer   uint64 // its number
	deadline int64
	data     uint32
	tooLarge bool // the payload is not here
	sent     bool // the data is not the payload any more, but the answer

	stand   atomic.Uint32
	version atomic.Uint32
	attempt uint32
	until   atomic.Int64
	started int64
	release uint64

	heldSizes [heldTexts]uint16
	held      [heldRoom]byte
	runSizes  [runTexts]uint16
	run       [runRoom]byte
}

// pack writes texts one behind the other, and their sizes.
func pack(room []byte, sizes []uint16, texts ...string) {
	for i, s := range texts {
		n := copy(room, s)
		sizes[i], room = uint16(n), room[n:]
	}
}

// unpack copies what pack has written, however wrong the sizes are.
func unpack(room []byte, sizes []uint16) []string {
	texts := make([]string, len(sizes))
	for i, n := range sizes {
		n := min(int(n), len(room))
		texts[i], room = string(room[:n]), room[n:]
	}
	return texts
}

// region is the shared memory as one process sees it.
type region struct {
	bytes []byte
	*head
	large int // where large payloads begin
}

// size is how many bytes there are for so many slots.
func size(slots int) int { return slotsAt + slots*(slotSize+slotData) }

// mapRegion maps the file into this process.
func mapRegion(f *os.File, slots int) (*region, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size(slots), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("shared memory: %w", err)
	}
	return &region{b, (*head)(unsafe.Pointer(&b[0])), slotsAt + slots*slotSize}, nil
}

func (r *region) unmap() error { return unix.Munmap(r.bytes) }

func (r *region) journal() []byte { return r.bytes[headSize : headSize+journalSize] }

func (r *region) counts() []byte { return r.bytes[headSize+journalSize : slotsAt : slotsAt] }

func (r *region) at(i int) *slot {
	return (*slot)(unsafe.Pointer(&r.bytes[slotsAt+i*slotSize]))
}

// data is the room for a payload of so many bytes in a slot.
func (r *region) data(i, size int) []byte {
	if size > slotSize-slotHead {
		return r.largeData(i)[:size]
	}
	start := slotsAt + i*slotSize + slotHead
	return r.bytes[start : start+size : start+size]
}

// largeData is the room for a large payload of a slot, in pages of its own.
func (r *region) largeData(i int) []byte {
	start := r.large + i*slotData
	return r.bytes[start : start+slotData : start+slotData]
}
