package queue

import (
	"runtime"
	"sync"
	"time"
)

// verdictWait is how long a verdict waits at most for others on asks that came with it.
const verdictWait = time.Millisecond

// verdicts are those on the asks of one bundle, which go back as one: whoever has the last sends them all. What has
// waited long enough is sent before, and from then on each by itself. It is used again.
type verdicts struct {
	asks *asks
	to   string // subject

	mu     sync.Mutex
	bundle bundle
	open   int  // asks without a verdict, and one more for as long as they come in
	late   bool // what comes now does not wait
	timer  *time.Timer
}

// newVerdicts returns the verdicts for a gate. Asks may come until [verdicts.complete].
func (s *asks) newVerdicts(to string) *verdicts {
	v, _ := s.bundled.Get().(*verdicts)
	v.to, v.open, v.late = to, 1, false
	v.timer.Reset(verdictWait)
	return v
}

// expect notes an ask of the bundle.
func (v *verdicts) expect() {
	v.mu.Lock()
	v.open++
	v.mu.Unlock()
}

// complete says that no further ask comes.
func (v *verdicts) complete() { v.less(nil) }

// leave says that the verdict on an ask goes by itself.
func (v *verdicts) leave() { v.less(nil) }

// add has the verdict in an ask's buffer sent with the others, and ends the ask: should the process die before, whoever
// watches it has the verdict.
func (v *verdicts) add(a *ask) { v.less(a) }

// less notes that there is an ask less to wait for; a has a verdict, unless it is nil.
func (v *verdicts) less(a *ask) {
	v.mu.Lock()
	if a != nil {
		v.bundle.uint(a.number)
		v.bundle.bytes(a.buffer)
		v.bundle.items++
	}
	v.open--
	last := v.open == 0
	if last || v.late || len(v.bundle.data) >= maxBundleBytes {
		v.send()
	}
	v.mu.Unlock()
	if a != nil {
		a.finish()
	}
	if last {
		if v.timer.Stop() { // otherwise it may still look
			v.asks.bundled.Put(v)
		}
		runtime.Gosched() // to what writes to the connection
	}
}

// send sends what there is. The lock is held.
func (v *verdicts) send() {
	if v.bundle.items == 0 {
		return
	}
	conn := v.asks.conn
	if err := conn.nc.Publish(v.to, v.bundle.data); err != nil {
		conn.log.Warn("verdicts could not be sent", "verdicts", v.bundle.items, "error", err)
	}
	v.bundle.data, v.bundle.items = v.bundle.data[:0], 0
}

// hurry sends what has waited long enough.
func (v *verdicts) hurry() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.late = true
	v.send()
}
