package tasks

import (
	"time"

	"gaff/hooks"
)

// early is how much ahead of the wall clock a tick may be taken: timers do not follow the clock's adjustments.
const early = 500 * time.Millisecond

// clock finds the ticks of one job. Whoever asks, and however late, gets each tick's own time, and gets it once.
type clock struct {
	text     string // what the schedule was made from
	schedule hooks.Schedule
	next     time.Time // the first tick not yet taken; the zero time: there is none
}

func newClock(text string, s hooks.Schedule, now time.Time) *clock {
	return &clock{text: text, schedule: s, next: s.Next(now)}
}

// take returns the latest tick that is due, and the one after it. Earlier ones that nobody took are passed over.
func (c *clock) take(now time.Time) (tick, next time.Time, ok bool) {
	limit := now.Add(early)
	if c.next.IsZero() || c.next.After(limit) {
		return time.Time{}, time.Time{}, false
	}
	tick = c.latest(limit)
	c.next = c.schedule.Next(tick)
	return tick, c.next, true
}

// latest returns the last tick until limit. It looks back twice as far each time, so that a machine which slept for
// long does not count through all it has missed.
func (c *clock) latest(limit time.Time) time.Time {
	tick := c.next
	for back := time.Minute; limit.Add(-back).After(c.next); back *= 2 {
		if t := c.schedule.Next(limit.Add(-back)); !t.IsZero() && !t.After(limit) {
			tick = t
			break
		}
	}
	for t := c.schedule.Next(tick); !t.IsZero() && !t.After(limit); t = c.schedule.Next(t) {
		tick = t
	}
	return tick
}
