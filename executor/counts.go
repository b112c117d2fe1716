//go:build unix

package executor

import (
	"sync"
	"syscall"
)

// CountsSize is how many bytes an executor has for what it counts. They are zero at its start and outlive it; what stands
// there is for [Config] and whoever reads [Supervisor.Counts] to know.
const CountsSize = 2 << 20

// counted are the executors whose counts can be read.
type counted struct {
	mu   sync.Mutex
	live map[*process]struct{}
}

// Counts lends what the executors have counted, for as long as f runs; meanwhile none is given to [Config.Gone].
func (s *Supervisor) Counts(f func(counts [][]byte)) {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	var all [][]byte
	for p := range s.counted.live {
		all = append(all, p.region.counts())
	}
	f(all)
}

// counts has what the executor counts be read from now on.
func (s *Supervisor) counts(p *process) {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	if s.counted.live == nil {
		s.counted.live = map[*process]struct{}{}
	}
	s.counted.live[p] = struct{}{}
}

// forget takes leave of an executor that is gone, once. Its memory is not read any more.
func (s *Supervisor) forget(p *process) {
	s.counted.mu.Lock()
	defer s.counted.mu.Unlock()
	if _, ok := s.counted.live[p]; !ok {
		return
	}
	delete(s.counted.live, p)
	if s.config.Gone == nil {
		return
	}
	reason := ""
	if d := p.death(); !d.peaceful() {
		reason = d.reason()
	}
	s.config.Gone(p.region.counts(), reason)
}

// Serving is how many executors serve.
func (s *Supervisor) Serving() int {
	n := 0
	for _, m := range s.members[:s.config.Executors] {
		if p := m.current.Load(); p != nil && p.serves.Load() {
			n++
		}
	}
	return n
}

// Reasons lists why executors die: a run that could not be interrupted, memory, no sign of life, no memory or a fault of
// the runtime, a kill from outside, an end that nobody asked for.
func Reasons() []string {
	return []string{"overrun", "memory", "silent", "broken", "killed", "ended"}
}

// reason is the one of Reasons that says how the process has died.
func (d death) reason() string {
	status, ok := d.state.Sys().(syscall.WaitStatus)
	switch {
	case d.fault == overrun:
		return "overrun"
	case d.fault == memory:
		return "memory"
	case d.fault == silent:
		return "silent"
	case d.state.ExitCode() == brokenDown:
		return "broken"
	case ok && status.Signaled():
		return "killed"
	}
	return "ended"
}
