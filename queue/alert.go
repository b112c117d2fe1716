package queue

import (
	"sync"
	"time"

	"gaff/hooks"
)

// alertEvery bounds how often this process alerts of one hook's dead letters.
const alertEvery = time.Minute

// alerts knows when it was last told of what.
type alerts struct {
	mu    sync.Mutex
	last  map[string]time.Time
	quiet map[string]int // how many there were since
}

// due reports whether it should be told now, and how many were not told of before.
func (a *alerts) due(what string, now time.Time) (earlier int, due bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last == nil {
		a.last, a.quiet = map[string]time.Time{}, map[string]int{}
	}
	if now.Sub(a.last[what]) < alertEvery {
		a.quiet[what]++
		return 0, false
	}
	earlier = a.quiet[what]
	a.last[what], a.quiet[what] = now, 0
	return earlier, true
}

// alert tells, in the process's log and by a record of kind alert, that a hook was given up.
func (c *consuming) alert(l *hooks.DeadLetter, final *hooks.Record) {
	earlier, due := c.alerts.due(l.App+"."+l.Hook, time.Now())
	if !due {
		return
	}
	c.conn.log.Error("a hook was given up: gaff dead has the event", "app", l.App, "hook", l.Hook, "event", final.Event,
		"attempts", len(l.Attempts), "error", l.Error.Message, "not told of before", earlier)
	alert := *final
	alert.ID, alert.Kind, alert.Stored = final.ID+".alert", hooks.KindAlert, nil
	c.log.Record(alert)
}
