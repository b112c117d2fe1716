package outbound

import (
	"context"
	"math"
	"slices"
	"sync"
)

// room is a bounded amount of something, which apps share: whose turn it is to take from it is whoever has the least, and
// an app that crowds the others may take no more than it leaves free. It is safe for concurrent use.
type room struct {
	mu      sync.Mutex
	free    int64
	apps    map[string]*share // those that have or want something
	waiting int
}

// share is what one app has, and who of it waits for more, first come first served.
type share struct {
	used  int64
	queue []*claim
}

type claim struct {
	n     int64
	given chan struct{} // closed once it is
}

func newRoom(size int64) *room { return &room{free: size, apps: map[string]*share{}} }

// take waits for n, or until ctx ends. give returns it; it may be called once.
func (r *room) take(ctx context.Context, app string, n int64) (give func(), err error) {
	r.mu.Lock()
	s := r.apps[app]
	if s == nil {
		s = &share{}
		r.apps[app] = s
	}
	c := &claim{n: n, given: make(chan struct{})}
	s.queue = append(s.queue, c)
	r.waiting++
	r.grant()
	r.mu.Unlock()
	give = func() { r.give(app, s, n) }
	select {
	case <-c.given:
		return give, nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	i := slices.Index(s.queue, c)
	if i < 0 { // it came at the last moment
		r.mu.Unlock()
		return give, nil
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	r.waiting--
	r.grant() // to whom it kept waiting
	r.forget(app, s)
	r.mu.Unlock()
	return nil, ctx.Err()
}

func (r *room) give(app string, s *share, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += n
	s.used -= n
	r.grant()
	r.forget(app, s)
}

// grant gives what there is. The lock is held.
func (r *room) grant() {
	for r.waiting > 0 {
		s := r.next()
		if s == nil {
			return
		}
		c := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)
		r.waiting--
		r.free -= c.n
		s.used += c.n
		close(c.given)
	}
}

// next is the app with the least of those that may have what they want, or nil.
func (r *room) next() *share {
	var next *share
	least := int64(math.MaxInt64)
	for _, s := range r.apps {
		if len(s.queue) == 0 || s.used >= least {
			continue
		}
		if n := s.queue[0].n; n <= r.free && (s.used == 0 || s.used+n <= r.free-n) {
			next, least = s, s.used
		}
	}
	return next
}

func (r *room) forget(app string, s *share) {
	if s.used == 0 && len(s.queue) == 0 {
		delete(r.apps, app)
	}
}
