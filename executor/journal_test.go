//go:build unix

package executor

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"pgregory.net/rapid"
)

// A journal has, in order, what was kept and not dropped, however it is filled and emptied.
func TestJournalKeepsWhatIsNotDropped(t *testing.T) {
	type kept struct {
		mark  uint64
		entry []byte
	}
	rapid.Check(t, func(t *rapid.T) {
		memory := make([]byte, slotsAt)
		j := &Journal{&region{bytes: memory, head: (*head)(unsafe.Pointer(&memory[0]))}}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "entries"), 0))
		var all []kept
		var size uint64
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			largest := rapid.SampledFrom([]int{20, 3000, 400_000}).Draw(t, "size of entries")
			for range rapid.IntRange(0, 50).Draw(t, "kept") {
				entry := bytes.Repeat([]byte{byte(random.Uint32())}, 1+random.IntN(largest))
				mark := j.Keep(entry)
				if need := entrySize(len(entry)); mark != 0 {
					all, size = append(all, kept{mark, entry}), size+need
				} else if size+2*need < journalSize/2 {
					t.Fatalf("no room for %d bytes beside %d", need, size)
				}
			}
			if n := rapid.IntRange(0, len(all)).Draw(t, "dropped"); n > 0 {
				j.Drop(all[n-1].mark)
				for _, k := range all[:n] {
					size -= entrySize(len(k.entry))
				}
				all = slices.Delete(all, 0, n)
			}
			left := j.left()
			if !slices.EqualFunc(all, left, func(k kept, entry []byte) bool { return bytes.Equal(k.entry, entry) }) {
				t.Fatalf("there are %d entries, want %d", len(left), len(all))
			}
		}
	})
}
