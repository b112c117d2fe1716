package hooks

import "time"

// Watch is told what a process has in hand, so that somebody else can answer for it if the process dies. It must be safe
// for concurrent use. A process that answers for itself alone has none.
type Watch interface {
	// Hold notes that the process has taken on an ask or an event. It returns nil if there is no room to note it: then
	// it must not be run. held is not kept.
	Hold(held *Held) Slot
}

// Slot is where one ask or event that is in hand is noted. Calls of one slot do not overlap.
type Slot interface {
	// Runs notes which script runs now; nil: none does.
	Runs(r *Running)
	// Waits notes that the script waits, and so is not on the processor, or that it goes on.
	Waits(waiting bool)
	// Done notes that the ask is answered, or the event acknowledged. The slot may not be used any more. answer is what was
	// sent, so that it can be sent again if it has not left the process; nil: what is in hand is then run again.
	Done(answer []byte)
}

// HeldKind says what it is that is in hand.
type HeldKind uint32

// A run that was given up, because it does not come back, is in hand until it does; nobody waits for it.
const (
	HeldAsk HeldKind = iota
	HeldEvent
	HeldTask
	HeldCall // of a method: it may have been carried out, and is not made again
	HeldStuck
)

// Held is an ask or an event that a process has in hand.
type Held struct {
	Kind     HeldKind
	App      string
	Subject  string    // on which it came; empty for a task
	Reply    string    // where the verdict or the acknowledgement goes; the id of a task
	Deadline time.Time // of the whole chain; zero: none
	Data     []byte    // the payload
	Trace    string    // of an ask
}

// Running is one run that is under way.
type Running struct {
	Run            string // the id of its record
	App            string
	Kind           Kind
	Name, Function string
	Event          string // the event's id
	Release        uint64
	Attempt        int
	Started        time.Time
	Deadline       time.Time
}

// Taken is what a process had in hand when it died.
type Taken struct {
	Held
	Lost      bool     // Data is not here: it was too large to be kept
	Running   *Running // what ran last; nil: nothing had begun
	Answer    []byte   // was sent, and may not have left the process; Data is gone then
	Computing bool     // it was on the processor, or ready to be
}
