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
	var cell *cell
	defer func() {
		if cell != nil {
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

// cell is the executor for suspects.
type cell struct {
	process *process
	gone    chan struct{} // closed when it is, with state
	death   death
}

// end ends the cell and waits for that.
func (c *cell) end() {
	c.process.kill(none)
	<-c.gone
	_ = c.process.region.unmap() // likewise
}

// ensureCell returns a cell that serves, or nil if there cannot be one now.
func (s *Supervisor) ensureCell(ctx context.Context, c *cell) *cell {
	if c != nil {
		select {
		case <-c.gone:
		default:
			return c
		}
	}
	if c != nil {
		_ = c.process.region.unmap() // there is nothing in it any more
	}
	p, err := start(s.config.Input(s.config.Executors), s.config.Slots, s.config.Output)
	if err != nil {
		s.config.Log.Error("no cell for suspects", "error", err)
		return nil
	}
	c = &cell{process: p, gone: make(chan struct{})}
	stop := make(chan struct{})
	go s.watch(context.WithoutCancel(ctx), p, stop)
	go func() {
		state := p.wait()
		close(stop)
		c.death = death{fault(p.fault.Load()), state}
		close(c.gone)
	}()
	for !p.serves.Load() {
		select {
		case <-c.gone:
			_ = p.region.unmap() // likewise
			return nil
		case <-ctx.Done():
			c.end()
			return nil
		case <-time.After(lookEvery):
		}
	}
	return c
}

// try has the cell run a suspect.
func (s *Supervisor) try(ctx context.Context, c *cell, x suspect) {
	x.tries++
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.config.StandIn.Alone(within, x.taken) }()
	select {
	case <-c.gone:
		cancel()
		<-done
		records := (&Journal{c.process.region}).left()
		s.burials.Go(func() { s.config.Records(records) })
		if c.death.outside() && x.tries < maxTries {
			s.suspect(x)
			return
		}
		for _, t := range c.process.region.taken(s.clock) {
			if t.Reply == x.taken.Reply && t.Running != nil {
				x.taken.Running = t.Running
			}
		}
		s.config.StandIn.Crashed(x.taken, c.death.String())
	case err := <-done:
		if err != nil && ctx.Err() == nil {
			s.config.Log.Warn("a suspect could not be run alone", "suspect", x.String(), "error", err)
			s.again(x.taken)
		}
	}
}
