package queue

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// throttleLook is how often it is looked whether this process is late, throttleWindow after how many looks something follows from it.
	throttleLook   = 2 * time.Millisecond
	throttleWindow = 16
	// throttleLate is from how much lateness on asks suffer: several times what a machine with processors to spare takes.
	throttleLate = 500 * time.Microsecond
	// throttleLeast is how many events are handled at once when they have to give way to asks.
	throttleLeast = 8
	// throttleLive is for how long after an ask others are expected.
	throttleLive = time.Second
)

// throttle bounds how many events are handled at once, and how many of those wait for their records. While somebody waits for
// the answers to asks, and processors are too few for both, there are fewer: whoever is asked must not wait behind work
// that nobody waits for. Events whose hooks wait rather than compute make nobody late, and are not slowed down.
type throttle struct {
	most int

	mu    sync.Mutex
	limit int // handlers
	begun int // messages that are handled, or wait for their records
	over  bool
	raise sync.Cond // the limit has risen
	room  sync.Cond // something has ended
}

func newThrottle(most int) *throttle {
	p := &throttle{most: most, limit: most}
	p.raise.L, p.room.L = &p.mu, &p.mu
	return p
}

// enter returns when the handler of that number, from 0, may take a message. [throttle.leave] follows.
func (p *throttle) enter(handler int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.over {
		switch {
		case handler >= p.limit:
			p.raise.Wait()
		case p.begun >= roomPerRun*p.limit:
			p.room.Wait()
		default:
			p.begun++
			return
		}
	}
	p.begun++
}

// leave says that a message is settled.
func (p *throttle) leave() {
	p.mu.Lock()
	p.begun--
	p.mu.Unlock()
	p.room.Signal()
}

// set sets how many handlers there may be.
func (p *throttle) set(limit int) {
	limit = max(min(limit, p.most), min(throttleLeast, p.most))
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > p.limit {
		p.raise.Broadcast()
		p.room.Broadcast()
	}
	p.limit = limit
}

// end lets every handler go on.
func (p *throttle) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	p.raise.Broadcast()
	p.room.Broadcast()
}

// keepThrottled throttles all as they have to be until ctx ends. It does nothing while nothing is in hand.
func (c *consuming) keepThrottled(ctx context.Context, all ...*hands) {
	limit := throttleLeast
	for c.awaitMessages(ctx, all) {
		switch {
		case !c.conn.asked(throttleLive):
			limit = c.options.Concurrency
			pause(ctx, throttleWindow*throttleLook)
		case lateness(ctx) > throttleLate:
			limit = max(limit/2, throttleLeast)
		default:
			limit = min(limit+1, c.options.Concurrency)
		}
		for _, h := range all {
			h.throttle.set(limit)
		}
	}
}

// awaitMessages waits until something is in hand; false: ctx has ended.
func (c *consuming) awaitMessages(ctx context.Context, all []*hands) bool {
	for ctx.Err() == nil {
		if slices.ContainsFunc(all, (*hands).busy) {
			return true
		}
		select {
		case <-c.taken:
		case <-ctx.Done():
		}
	}
	return false
}

// lateness is by how much this process, some moments on end, was later than it wanted to be: the second largest, since
// once is nothing.
func lateness(ctx context.Context) time.Duration {
	timer := time.NewTimer(throttleLook)
	defer timer.Stop()
	var most, second time.Duration
	for range throttleWindow {
		began := time.Now()
		timer.Reset(throttleLook)
		select {
		case <-ctx.Done():
			return 0
		case <-timer.C:
		}
		late := time.Since(began) - throttleLook
		most, second = max(most, late), max(second, min(most, late))
	}
	return second
}
