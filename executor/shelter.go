//go:build unix

package executor

import (
	"context"
	"time"
)

// shelterLimit bounds for how long what comes in is kept while no executor is there: those that do not come back soon will
// not, and whoever asks should know.
const shelterLimit = 10 * time.Second

// shelter has what comes in kept whenever all executors have died, until ctx ends.
func (s *Supervisor) shelter(ctx context.Context) {
	for s.awaitServing(ctx, true) && s.awaitServing(ctx, false) {
		absence, over := context.WithTimeout(ctx, shelterLimit)
		go func() {
			s.awaitServing(absence, true)
			over()
		}()
		s.config.StandIn.Shelter(absence)
		over()
	}
}

// awaitServing waits until executors serve, or until none does. It returns false if ctx ended before.
func (s *Supervisor) awaitServing(ctx context.Context, serving bool) bool {
	for (s.Serving() > 0) != serving {
		wait(ctx, lookEvery)
		if ctx.Err() != nil {
			return false
		}
	}
	return ctx.Err() == nil
}
