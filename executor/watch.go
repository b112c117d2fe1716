//go:build unix

package executor

import (
	"context"
	"time"
)

const (
	// lookEvery is how often executors are looked at.
	lookEvery = 20 * time.Millisecond
	// grace is how long after its deadline a run may still compute. The executor has interrupted and answered it by then.
	grace = 150 * time.Millisecond
	// silence is how long an executor may give no sign of life.
	silence = 10 * time.Second
	// startWithin is how long an executor may take to give the first one.
	startWithin = time.Minute
)

// watch kills the executor when it goes wrong, and has it end when ctx does, until it is gone.
func (s *Supervisor) watch(ctx context.Context, p *process) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last, stop := time.Now(), ctx.Done()
	var late <-chan time.Time
	for {
		select {
		case <-p.gone:
			return
		case <-stop:
			stop = nil
			p.stop()
			timer := time.NewTimer(s.config.StopWithin)
			defer timer.Stop()
			late = timer.C
			continue
		case <-late:
			p.kill(silent)
			continue
		case <-tick.C:
		}
		if p.region.ready.Load() == 1 {
			p.serves.Store(true)
		}
		now := time.Now()
		starved := now.Sub(last) > 3*lookEvery // then executors were, too
		last = now
		if starved {
			continue
		}
		if f := s.look(p); f != none {
			p.kill(f)
		}
	}
}

// look says what is wrong with the executor, if anything is.
func (s *Supervisor) look(p *process) fault {
	now := s.clock.now()
	if p.region.overrun(now) > grace {
		return overrun
	}
	if allocated(p.cmd.Process.Pid) > s.config.Memory {
		return memory
	}
	beat, patience := p.region.beat.Load(), silence
	if beat == 0 {
		beat, patience = s.clock.of(p.started), startWithin
	}
	if now-beat > int64(patience) {
		return silent
	}
	return none
}
