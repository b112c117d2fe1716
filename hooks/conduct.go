package hooks

import (
	"fmt"
	"sync"
	"time"
)

const (
	// maxOffences is how many offences, within offenceWindow and less one for each good run, have a hook quarantined.
	maxOffences   = 20
	offenceWindow = 5 * time.Minute
)

// Conduct has hooks and jobs quarantined that time out again and again, take too much memory, or try what is forbidden.
// The app and its other hooks are left alone.
type Conduct struct {
	// Quarantine takes one out of use. It is called on a goroutine of its own.
	Quarantine func(app string, kind Kind, name string, q Quarantine)

	offences *Strikes
	under    sync.WaitGroup
}

// NewConduct returns a count of offences that is empty.
func NewConduct(quarantine func(app string, kind Kind, name string, q Quarantine)) *Conduct {
	return &Conduct{Quarantine: quarantine, offences: NewStrikes(maxOffences, offenceWindow)}
}

// Wait returns when nothing is being quarantined any more. Nothing may run meanwhile.
func (c *Conduct) Wait() { c.under.Wait() }

// judge takes note of how a run has ended.
func (c *Conduct) judge(r *Record, offence bool) {
	if c == nil || r.Kind != KindHook && r.Kind != KindJob {
		return
	}
	switch {
	case offence:
	case r.Status == StatusOK, r.Status == StatusRejected:
		c.offences.Forgive(r.App, r.Kind, r.Name)
		return
	default:
		return
	}
	if !c.offences.Add(StrikeKey(r.App, r.Kind, r.Name), time.Now()) {
		return
	}
	code, message := CodeHookError, ""
	if r.Error != nil {
		code, message = r.Error.Code, r.Error.Message
	}
	app, kind, name := r.App, r.Kind, r.Name
	q := Quarantine{Since: time.Now(), Code: code, Reason: fmt.Sprintf(
		"%d of its runs within %v timed out, took too much memory or tried what is forbidden; the last one: %s", maxOffences, offenceWindow, message)}
	c.under.Go(func() { c.Quarantine(app, kind, name, q) })
}

// forbidden are the codes of host calls that no hook has a good reason to make again and again.
func forbidden(err error) bool {
	return err != nil && AsError(err).Code == "EBLOCKED"
}
