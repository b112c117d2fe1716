//go:build unix

package executor

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"gaff/hooks"
)

// custody is what dead executors had in hand and nobody else has yet.
type custody struct {
	mu  sync.Mutex
	all map[*hooks.Taken]struct{}
}

func (c *custody) add(taken []*hooks.Taken) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[*hooks.Taken]struct{}{}
	}
	for _, t := range taken {
		c.all[t] = struct{}{}
	}
}

func (c *custody) remove(t *hooks.Taken) {
	c.mu.Lock()
	delete(c.all, t)
	c.mu.Unlock()
}

func (c *custody) list() []*hooks.Taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.all))
}

// holdEvery is how often those who asked are told that they will be answered. They ask again after four times that.
const holdEvery = 250 * time.Millisecond

// hold tells those whose asks are in custody that they are, until ctx ends: asks that are made again would run twice.
func (s *Supervisor) hold(ctx context.Context) {
	tick := time.NewTicker(holdEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for _, t := range s.custody.list() {
			s.config.StandIn.Holds(t)
		}
	}
}
