package tasks

import (
	"time"

	"gaff/hooks"
)

// Bounds of what is made up for.
const (
	maxMissed    = 10_000
	maxMissedAge = 31 * 24 * time.Hour
)

// clock finds the ticks of one job that need a task. Whoever asks, and however late, gets each tick's own time.
type clock struct {
	schedule hooks.Schedule
	missed   hooks.Missed
	last     time.Time // the newest tick that needs nothing anymore
}

// due returns the ticks until now that need a task, the oldest first and at most n, and how many are given up because
// they are too many. alive is since when a scheduler has been there without a break.
func (c *clock) due(now, alive time.Time, n int) (ticks []time.Time, lost int) {
	if c.missed == hooks.MissedAll {
		return c.all(now, n)
	}
	tick := c.latest(now)
	switch {
	case tick.IsZero():
		return nil, 0
	case c.missed == hooks.MissedSkip && tick.Before(alive):
		c.last = tick
		return nil, 0
	}
	return []time.Time{tick}, 0
}

func (c *clock) all(now time.Time, n int) (ticks []time.Time, lost int) {
	if oldest := now.Add(-maxMissedAge); c.last.Before(oldest) {
		c.last = oldest
	}
	count := 0
	for tick := c.next(); !tick.IsZero() && !tick.After(now); tick = c.schedule.Next(tick) {
		count++
		if count <= n {
			ticks = append(ticks, tick)
		}
	}
	if lost = count - maxMissed; lost <= 0 {
		return ticks, 0
	}
	for range lost {
		c.last = c.next()
	}
	ticks, _ = c.all(now, n)
	return ticks, lost
}

// next is the first tick that may need a task.
func (c *clock) next() time.Time { return c.schedule.Next(c.last) }

// latest returns the last tick until limit, the zero time if there is none that needs a task. It looks back twice as far
// each time, so that a machine which slept for long does not count through all it has missed.
func (c *clock) latest(limit time.Time) time.Time {
	tick := c.next()
	if tick.IsZero() || tick.After(limit) {
		return time.Time{}
	}
	for back := time.Minute; limit.Add(-back).After(tick); back *= 2 {
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
