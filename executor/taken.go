//go:build unix

package executor

import (
	"time"

	"gaff/hooks"
)

// taken reads what the executor has in hand. Its process should be dead; of a living one it may be out of date.
func (r *region) taken(c clock) []*hooks.Taken {
	var all []*hooks.Taken
	confirmed := r.confirmed.Load()
	for i := range int(min(r.used.Load(), r.slots.Load())) {
		s := r.at(i)
		switch s.state.Load() {
		case held:
		case answered:
			if s.answer <= confirmed {
				continue
			}
		default:
			continue
		}
		all = append(all, r.read(i, c))
	}
	return all
}

// read copies a slot. Everything in it was written by a process that scripts have crashed, so it is held to bounds.
func (r *region) read(i int, c clock) *hooks.Taken {
	s := r.at(i)
	t := &hooks.Taken{Computing: s.stand.Load() == computing && s.state.Load() == held}
	held := unpack(s.held[:], s.heldSizes[:])
	t.Kind, t.Deadline = hooks.HeldKind(s.kind), c.time(s.deadline)
	t.Subject, t.Reply, t.App, t.Trace = held[heldSubject], held[heldReply], held[heldOwner], hooks.ParseTrace(held[heldTrace])
	size := s.data
	if t.Lost = s.tooLarge || size > slotData; !t.Lost {
		t.Data = append([]byte(nil), r.data(i, int(size))...)
	}
	if s.sent && s.state.Load() == answered {
		t.Answer, t.Data = t.Data, nil
	}
	if s.version.Load()%2 != 0 || s.runSizes[runID] == 0 {
		return t
	}
	run := unpack(s.run[:], s.runSizes[:])
	t.Running = &hooks.Running{
		Run: run[runID], App: run[runApp], Kind: hooks.Kind(run[runKind]), Name: run[runName], Function: run[runFunction],
		Event: run[runEvent], Release: s.release, Attempt: int(s.attempt), Started: c.time(s.started), Deadline: c.time(s.until.Load()),
	}
	return t
}

// overrun reports whether a run computes past its deadline, and by how much the latest one.
func (r *region) overrun(now int64) (by time.Duration) {
	for i := range int(min(r.used.Load(), r.slots.Load())) {
		s := r.at(i)
		if s.stand.Load() != computing {
			continue
		}
		if until := s.until.Load(); until != 0 && now > until {
			by = max(by, time.Duration(now-until))
		}
	}
	return by
}
