//go:build unix

package executor

import (
	"encoding/binary"
)

// Journal keeps what an executor has recorded and the log stream does not have yet, so that it is not lost with the
// process. It is a ring in shared memory; one goroutine at a time keeps, and one drops.
type Journal struct {
	region *region
}

// An entry is its length in 8 bytes, the bytes, and room up to the next multiple of 8. A length of skip means that the
// ring goes on at its beginning.
const (
	lengthSize = 8
	skip       = ^uint64(0)
)

func entrySize(n int) uint64 { return lengthSize + uint64(n+7)/8*8 }

// Keep appends an entry and returns how far that goes, for [Journal.Drop]; 0: there is no room.
func (j *Journal) Keep(entry []byte) (mark uint64) {
	ring := j.region.journal()
	written, dropped := j.region.written.Load(), j.region.dropped.Load()
	need, at := entrySize(len(entry)), written%journalSize
	if at+need > journalSize { // it does not fit before the end
		if written+journalSize-at+need-dropped > journalSize {
			return 0
		}
		binary.LittleEndian.PutUint64(ring[at:], skip)
		written, at = written+journalSize-at, 0
	}
	if written+need-dropped > journalSize {
		return 0
	}
	binary.LittleEndian.PutUint64(ring[at:], uint64(len(entry)))
	copy(ring[at+lengthSize:], entry)
	j.region.written.Store(written + need)
	return written + need
}

// Drop forgets the entries up to a mark.
func (j *Journal) Drop(mark uint64) { j.region.dropped.Store(mark) }

// next returns the entry at a place, and where the one after it begins.
func (j *Journal) next(at uint64) (entry []byte, next uint64, ok bool) {
	ring, written := j.region.journal(), j.region.written.Load()
	for at < written {
		place := at % journalSize
		n := binary.LittleEndian.Uint64(ring[place:])
		if n == skip {
			at += journalSize - place
			continue
		}
		if n > journalSize || place+entrySize(int(n)) > journalSize {
			return nil, at, false // what crashed has written here
		}
		return ring[place+lengthSize : place+lengthSize+n], at + entrySize(int(n)), true
	}
	return nil, at, false
}

// left copies the entries that were not dropped.
func (j *Journal) left() [][]byte {
	var all [][]byte
	for at := j.region.dropped.Load(); ; {
		entry, next, ok := j.next(at)
		if !ok {
			return all
		}
		all, at = append(all, append([]byte(nil), entry...)), next
	}
}
