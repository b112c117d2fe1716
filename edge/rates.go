package edge

import (
	"math"
	"sync"

	"golang.org/x/time/rate"

	"gaff/hooks"
)

// maxRates bounds how many keys' rates are kept in mind; past it, all begin anew.
const maxRates = 10_000

// rates bounds how many requests each key makes. It is safe for concurrent use.
type rates struct {
	mu    sync.Mutex
	byKey map[string]*rate.Limiter
}

func newRates() *rates { return &rates{byKey: map[string]*rate.Limiter{}} }

// take returns a RATE_LIMITED error if the key has had its share.
func (rs *rates) take(key *hooks.Key) error {
	if key.Rate <= 0 || rs.of(key).Allow() {
		return nil
	}
	return hooks.Errorf(hooks.CodeRateLimited, "the key may make %g requests a second; try again", key.Rate)
}

func (rs *rates) of(key *hooks.Key) *rate.Limiter {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	l := rs.byKey[key.ID]
	if l == nil {
		if len(rs.byKey) >= maxRates {
			clear(rs.byKey)
		}
		l = rate.NewLimiter(rate.Limit(key.Rate), int(math.Ceil(key.Rate)))
		rs.byKey[key.ID] = l
	}
	return l
}
