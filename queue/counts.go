package queue

import (
	"sync"
	"time"
)

// counts remembers for a moment how many keys each app has. It is safe for concurrent use.
type counts struct {
	mu sync.Mutex
	by map[string]count
}

type count struct {
	n  int
	at time.Time
}

// of returns the app's count, asking for it if the last answer is too old.
func (c *counts) of(app string, ask func() (int, error)) (int, error) {
	c.mu.Lock()
	known, ok := c.by[app]
	c.mu.Unlock()
	if ok && time.Since(known.at) < kvCounted {
		return known.n, nil
	}
	n, err := ask()
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[string]count{}
	}
	c.by[app] = count{n, time.Now()}
	return n, nil
}
