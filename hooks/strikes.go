package hooks

import (
	"sync"
	"sync/atomic"
	"time"
)

// Strikes counts what hooks and jobs do wrong. It is safe for concurrent use.
type Strikes struct {
	limit  int
	window time.Duration
	any    atomic.Bool // there are some

	mu   sync.Mutex
	each map[string][]time.Time
}

// NewStrikes returns a count that is full at limit within window.
func NewStrikes(limit int, window time.Duration) *Strikes {
	return &Strikes{limit: limit, window: window, each: map[string][]time.Time{}}
}

// StrikeKey is what strikes are counted under.
func StrikeKey(app string, kind Kind, name string) string {
	return app + "/" + string(kind) + "/" + name
}

// Add counts one and reports whether the limit is reached; then the count begins anew.
func (s *Strikes) Add(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := s.each[key][:0:0]
	for _, at := range s.each[key] {
		if now.Sub(at) < s.window {
			recent = append(recent, at)
		}
	}
	if recent = append(recent, now); len(recent) >= s.limit {
		delete(s.each, key)
		s.any.Store(len(s.each) > 0)
		return true
	}
	s.each[key] = recent
	s.any.Store(true)
	return false
}

// Forgive takes one back: the hook has done well. It costs nothing while nothing is counted.
func (s *Strikes) Forgive(app string, kind Kind, name string) {
	if !s.any.Load() {
		return
	}
	key := StrikeKey(app, kind, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.each[key]); n > 1 {
		s.each[key] = s.each[key][1:]
	} else if n == 1 {
		delete(s.each, key)
		s.any.Store(len(s.each) > 0)
	}
}
