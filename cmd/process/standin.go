package process

import (
	"context"
	"fmt"
	"time"

	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

const (
	// maxCrashes is how often a hook or job may end an executor within crashWindow before it is quarantined.
	maxCrashes  = 3
	crashWindow = time.Hour
	// spareSlots are for answers that have not reached the server yet, and for runs that were given up.
	spareSlots = 1024
	// killAfter is how much longer executors may take to stop than what they have in hand.
	killAfter = 5 * time.Second
	// afterDeath bounds what is done for one thing that a dead executor had in hand.
	afterDeath = 10 * time.Second
)

// standIn answers for executors that have died.
type standIn struct {
	*Parts
	ctx      context.Context
	queue    *queue.StandIn
	apps     hooks.Apps
	jobs     *tasks.Queue
	recorder *queue.Log
	crashes  *hooks.Strikes
	died     func(reason string) // counts an executor
}

// Holds implements [executor.StandIn].
func (s *standIn) Holds(t *hooks.Taken) {
	s.complain("who asked could not be told that there will be an answer", t, s.queue.Holds(t))
}

// Again implements [executor.StandIn].
func (s *standIn) Again(t *hooks.Taken) {
	var err error
	if t.Kind == hooks.HeldTask {
		err = s.giveBack(t, true)
	} else {
		err = s.queue.Again(t)
	}
	s.complain("what a dead executor had in hand could not be given to another", t, err)
}

// Crashed implements [executor.StandIn].
func (s *standIn) Crashed(t *hooks.Taken, why string) {
	if r := t.Running; r != nil {
		s.Log.Error("a script has ended its executor", "app", r.App, string(r.Kind), r.Name, "function", r.Function, "event", r.Event, "why", why)
		if s.crashes.Add(hooks.StrikeKey(r.App, r.Kind, r.Name), time.Now()) {
			s.quarantine(r.App, r.Kind, r.Name, hooks.Quarantine{
				Since: time.Now(), Code: hooks.CodeHookCrashed,
				Reason: fmt.Sprintf("it has ended %d executors within %v; the last time: %s", maxCrashes, crashWindow, why),
			})
		}
	}
	var err error
	switch t.Kind {
	case hooks.HeldTask:
		err = s.giveBack(t, false)
	case hooks.HeldStuck:
	default:
		err = s.queue.Crashed(t, why)
	}
	s.complain("what ended an executor could not be answered", t, err)
}

// Alone implements [executor.StandIn].
func (s *standIn) Alone(ctx context.Context, t *hooks.Taken) error { return s.queue.Alone(ctx, t) }

// Shelter implements [executor.StandIn]. What comes in for executors of some apps only goes to others.
func (s *standIn) Shelter(ctx context.Context) {
	if !s.apps.All() {
		<-ctx.Done()
		return
	}
	if err := s.queue.Shelter(ctx); err != nil {
		s.Log.Error("calls may be lost while no executor is there", "error", err)
	}
}

func (s *standIn) giveBack(t *hooks.Taken, innocent bool) error {
	ctx, cancel := context.WithTimeout(s.ctx, afterDeath)
	defer cancel()
	_, err := s.jobs.GiveBack(ctx, t.App, innocent, t.Reply)
	return err
}

func (s *standIn) complain(what string, t *hooks.Taken, err error) {
	if err != nil {
		s.Log.Error(what, "app", t.App, "subject", t.Subject, "error", err)
	}
}

// quarantine takes a hook or job out of use, and says so where people look.
func (s *standIn) quarantine(app string, kind hooks.Kind, name string, q hooks.Quarantine) {
	ctx, cancel := context.WithTimeout(s.ctx, afterDeath)
	defer cancel()
	if err := quarantine(ctx, s.Releases, s.recorder, app, kind, name, q); err != nil {
		s.Log.Error("a script that ends executors could not be quarantined", "app", app, string(kind), name, "error", err)
		return
	}
	s.Log.Error("quarantined", "app", app, string(kind), name, "why", q.Reason)
}

// quarantine takes a hook or job out of use until somebody enables it, and leaves an alert.
func quarantine(ctx context.Context, states *queue.Releases, recorder hooks.Recorder, app string, kind hooks.Kind, name string, q hooks.Quarantine) error {
	isNew := false
	_, err := states.SetState(ctx, app, 0, func(s *hooks.State) error {
		isNew = s.Quarantine(kind, name, q)
		return nil
	})
	if err == nil && isNew {
		recorder.Record(hooks.NewAlertRecord(app, kind, name, q))
	}
	return err
}
