package hooks

import "cmp"

// For returns the table whose release the event sees: the canary for its share of keys (of ids, for events without a
// key), the same for the same key every time and everywhere, and t for the others. A tick of a job that the canary does
// not have is t's. An event that has neither key nor id must be given an id first.
func (t *Table) For(e *Event) *Table {
	switch {
	case t == nil || t.Canary == nil || share(cmp.Or(e.Key, e.ID)) >= t.Percent:
		return t
	case e.Phase == Tick && t.Canary.Job(e.Operation) == nil:
		return t
	}
	return t.Canary
}

// share places a key among 100, evenly also for keys that differ little: FNV-1a, then the last step of MurmurHash3.
func share(key string) int {
	h := uint32(2166136261)
	for i := range len(key) {
		h = (h ^ uint32(key[i])) * 16777619
	}
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return int((h ^ h>>16) % 100)
}
