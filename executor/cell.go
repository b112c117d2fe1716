//go:build unix

package executor

import (
	"context"
	"runtime"
	"time"
)

// patience is how long what runs in the cell may take beyond its own deadline, and if it has none.
const patience = 90 * time.Second

// judgeAlone has suspects run one at a time in an executor of their own, until ctx ends. Who kills it is known then, and
// who does not is answered. The cell is there from the first suspect on.
func (s *Supervisor) judgeAlone(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var cell *process
	defer func() {
		if cell != nil {
			cell.kill(none)
			<-cell.gone
			s.forget(cell)
			cell.end()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-s.suspects:
			if cell = s.ensureCell(ctx, cell); cell == nil {
				s.again(x.taken)
				continue
			}
			s.try(ctx, cell, x)
		}
	}
}

// ensureCell returns a cell that serves, or nil if there cannot be one now.
func (s *Supervisor) ensureCell(ctx context.Context, p *process) *process {
	if p != nil {
		select {
		case <-p.gone:
			s.forget(p)
			_ = p.region.unmap() // there is nothing in it any more
		default:
			return p
		}
	}
	p, err := start(s.config.Input(s.config.Executors), s.config.Slots, s.config.Output)
	if err != nil {
		s.config.Log.Error("no cell for suspects", "error", err)
		return nil
	}
	p.serve()
	go s.watch(context.WithoutCancel(ctx), p)
	for p.region.ready.Load() == 0 {
		select {
		case <-p.gone:
			_ = p.region.unmap() // likewise
			return nil
		case <-ctx.Done():
			p.end()
			return nil
		case <-time.After(lookEvery):
		}
	}
	s.counts(p)
	return p
}

// try has the cell run a suspect.
func (s *Supervisor) try(ctx context.Context, c *process, x suspect) {
	x.tries++
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.config.StandIn.Alone(within, x.taken) }()
	select {
	case <-c.gone:
		cancel()
		s.config.Log.Debug("the cell has died", "suspect", x.String(), "error", <-done) // what became of it, the journal tells
		records := (&Journal{c.region}).left()
		s.burials.Go(func() { s.config.Records(records, nil) })
		if c.death().outside() && x.tries < maxTries {
			s.suspect(x)
			return
		}
		for _, t := range c.region.taken(s.clock) {
			if t.Reply == x.taken.Reply && t.Running != nil {
				x.taken.Running = t.Running
			}
		}
		s.crashed(x.taken, c.death())
	case err := <-done:
		s.custody.remove(x.taken)
		if err != nil && ctx.Err() == nil {
			s.config.Log.Warn("a suspect could not be run alone", "suspect", x.String(), "error", err)
			s.again(x.taken)
		}
	}
}
