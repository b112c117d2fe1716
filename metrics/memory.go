package metrics

import (
	"sync/atomic"
	"unsafe"

	"gaff/hooks"
)

// Bounds of what is counted apart in one process.
const (
	maxNamed  = 10_000           // series with the name of what ran
	maxApps   = maxNamed + 1_000 // and those that have the rest of an app together
	maxSeries = maxApps + 64     // and those that have the rest of all apps together: one for each kind and status
	maxTimed  = 1_000            // apps and kinds with a histogram of their own
	maxTimes  = maxTimed + 8     // and the rest of them: one for each kind
	maxName   = 64               // bytes of a name
)

// other is the name under which that is counted for which there is no room.
const other = "other"

// Size is how many bytes [CountsIn] takes.
const Size = int(unsafe.Sizeof(memory{}))

// memory is what is counted, as it lies in memory that processes share. Its pages come into being when they are written to.
type memory struct {
	dropped  atomic.Uint64 // records that nobody has
	series   atomic.Uint32 // how many there are, written after them
	times    atomic.Uint32 // likewise
	counts   [maxSeries]count
	duration [maxTimes]duration
}

// what is what a series is about. Its fields do not change once the series is there.
type what struct {
	kind, status uint8 // places in kinds and statuses
	app, name    uint8 // how long they are
	text         [2 * maxName]byte
}

// count is one series of gaff_runs_total.
type count struct {
	runs atomic.Uint64
	what
}

// duration is one series of gaff_run_duration_seconds.
type duration struct {
	micros  atomic.Uint64 // all runs together
	buckets [len(bounds) + 1]atomic.Uint64
	what
}

// bounds are the upper bounds of the buckets, in seconds.
var bounds = [...]float64{
	0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
}

var kinds = []hooks.Kind{hooks.KindHook, hooks.KindJob, hooks.KindMethod}

var statuses = []hooks.Status{
	hooks.StatusOK, hooks.StatusRejected, hooks.StatusFailed, hooks.StatusTimeout, hooks.StatusCrashed, hooks.StatusDead,
}

// set says what the series is about.
func (w *what) set(k key) {
	w.kind, w.status = k.kind, k.status
	w.app = uint8(copy(w.text[:maxName], k.app))
	w.name = uint8(copy(w.text[maxName:], k.name))
}

// is reports whether the series is about k.
func (w *what) is(k key) bool {
	return w.kind == k.kind && w.status == k.status && int(w.app) == len(k.app) && int(w.name) == len(k.name) &&
		string(w.text[:len(k.app)]) == k.app && string(w.text[maxName:maxName+len(k.name)]) == k.name
}

// get is what the series is about; ok is false if a process that broke down has written something else there.
func (w *what) get() (k key, ok bool) {
	if int(w.kind) >= len(kinds) || int(w.status) >= len(statuses) || w.app > maxName || w.name > maxName {
		return k, false
	}
	k = key{string(w.text[:w.app]), string(w.text[maxName : maxName+int(w.name)]), w.kind, w.status}
	return k, hooks.ValidName(k.app) && (k.name == "" || hooks.ValidName(k.name))
}

// key tells series apart.
type key struct {
	app, name    string
	kind, status uint8
}

// rest are the keys to count under if there is no room for k, the nearest first.
func (k key) rest() [2]key {
	return [2]key{{k.app, other, k.kind, k.status}, {other, other, k.kind, k.status}}
}
