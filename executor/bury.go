//go:build unix

package executor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"gaff/hooks"
)

// death is how an executor has ended.
type death struct {
	fault fault
	state *os.ProcessState
}

// death is how the process, which is gone, has ended.
func (p *process) death() death { return death{fault(p.fault.Load()), p.state} }

// outside reports whether somebody else has killed it: a person, or the kernel for want of memory.
func (d death) outside() bool {
	status, ok := d.state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL && d.fault == none
}

// peaceful reports whether it has ended as it was told.
func (d death) peaceful() bool { return d.state.Success() && d.fault == none }

// String says it for people.
func (d death) String() string {
	switch d.fault {
	case overrun:
		return "a run that did not end at its deadline and could not be interrupted had to be killed"
	case memory:
		return "the process took more memory than it may and had to be killed"
	case silent:
		return "the process did not answer any more and had to be killed"
	}
	if d.state.ExitCode() == brokenDown {
		return "the process ran out of memory or broke down"
	}
	return "the process ended: " + d.state.String()
}

// askedAgain are the events of asks that were not answered.
func askedAgain(taken []*hooks.Taken) map[string]bool {
	again := map[string]bool{}
	for _, t := range taken {
		if t.Kind == hooks.HeldAsk && t.Answer == nil && t.Running != nil {
			again[t.Running.Event] = true
		}
	}
	return again
}

// brokenDown is how a Go program ends that cannot go on.
const brokenDown = 2

// blame sorts what a dead executor had in hand.
type blame struct {
	culprits []*hooks.Taken // have killed it
	suspects []*hooks.Taken // one of them has
	others   []*hooks.Taken
}

// judge says who has killed an executor. A run past its deadline has; otherwise it is one of those that were on the
// processor, and which one nobody can know, unless there is just one.
func (s *Supervisor) judge(d death, taken []*hooks.Taken) blame {
	var b blame
	now := s.clock.time(s.clock.now())
	for _, t := range taken {
		late := t.Running != nil && !t.Running.Deadline.IsZero() && now.Sub(t.Running.Deadline) > grace/2
		switch {
		case !t.Computing, t.Running == nil, d.peaceful(), d.fault == silent:
			b.others = append(b.others, t)
		case d.fault == overrun && late:
			b.culprits = append(b.culprits, t)
		case d.fault == overrun:
			b.others = append(b.others, t)
		default:
			b.suspects = append(b.suspects, t)
		}
	}
	if len(b.suspects) == 1 && !d.outside() {
		b.culprits, b.suspects = b.suspects, nil
	}
	return b
}

// bury answers for an executor that is gone.
func (s *Supervisor) bury(ctx context.Context, p *process) {
	d := p.death()
	taken := p.region.taken(s.clock)
	records := (&Journal{p.region}).left()
	defer func() { s.config.Records(records, askedAgain(taken)) }() // answers go first
	if len(taken) == 0 && d.peaceful() {
		return
	}
	s.custody.add(taken)
	b := s.judge(d, taken)
	s.awaitAnother(ctx, taken)
	log := s.config.Log.With("pid", p.state.Pid(), "how", d.String(), "in hand", len(taken), "suspects", len(b.suspects))
	if ctx.Err() != nil {
		log.Info("an executor has ended")
	} else {
		log.Warn("an executor has died")
	}
	var handed sync.WaitGroup // each until somebody has it
	for _, t := range b.culprits {
		handed.Go(func() { s.crashed(t, d) })
	}
	for _, t := range b.others {
		handed.Go(func() { s.again(t) })
	}
	defer handed.Wait()
	slices.SortFunc(b.suspects, func(a, b *hooks.Taken) int { return a.Running.Started.Compare(b.Running.Started) })
	for _, t := range b.suspects {
		s.suspect(suspect{taken: t})
	}
}

// margin is how long before the deadline of an ask it is answered, if there is nobody to be asked.
const margin = 50 * time.Millisecond

// awaitAnother waits until another executor can take what this one had in hand, as long as that has time.
func (s *Supervisor) awaitAnother(ctx context.Context, taken []*hooks.Taken) {
	until := time.Now().Add(startWithin)
	for _, t := range taken {
		if !t.Deadline.IsZero() && t.Deadline.Before(until) {
			until = t.Deadline
		}
	}
	for len(taken) > 0 && ctx.Err() == nil && s.Ready(ctx) != nil && time.Until(until) > margin {
		wait(ctx, lookEvery)
	}
}

// crashed answers for t, which has killed its executor.
func (s *Supervisor) crashed(t *hooks.Taken, d death) {
	s.config.StandIn.Crashed(t, d.String())
	s.custody.remove(t)
}

// again has somebody else run t, if there is anything to be run: a run that was given up has nobody who waits for it.
func (s *Supervisor) again(t *hooks.Taken) {
	if t.Kind != hooks.HeldStuck {
		s.config.StandIn.Again(t)
	}
	s.custody.remove(t)
}

// suspect is what may have killed an executor.
type suspect struct {
	taken *hooks.Taken
	tries int
}

// maxTries is how often the cell runs a suspect while it is killed from outside.
const maxTries = 3

func (s *Supervisor) suspect(x suspect) {
	if x.taken.Kind != hooks.HeldAsk {
		s.again(x.taken)
		return
	}
	select {
	case s.suspects <- x:
	default:
		s.config.Log.Warn("too many suspects; one is asked again elsewhere", "subject", x.taken.Subject)
		s.again(x.taken)
	}
}

func (x suspect) String() string { return fmt.Sprintf("%s, try %d", x.taken.Subject, x.tries) }
