package hooks

import (
	"math/rand/v2"
	"time"
)

// Retry says how often a run that failed is tried again, and after how long.
type Retry struct {
	Attempts int           `json:"attempts,omitempty"` // runs in all, the first among them; 0: the default of what is retried
	Backoff  Backoff       `json:"backoff,omitempty"`  // empty: BackoffExponential
	Min      time.Duration `json:"min,omitempty"`      // before the second attempt; 0: 1 s
	Max      time.Duration `json:"max,omitempty"`      // at most; 0: 10 min
}

// Backoff says how the time between attempts grows.
type Backoff string

// BackoffExponential doubles the time before each further attempt, BackoffLinear adds Min each time, BackoffConstant leaves
// it.
const (
	BackoffExponential Backoff = "exponential"
	BackoffLinear      Backoff = "linear"
	BackoffConstant    Backoff = "constant"
)

// What holds if a hook or job does not say.
const (
	defaultRetryMin = time.Second
	defaultRetryMax = 10 * time.Minute
)

// Delay is how long to wait after so many failed attempts, at least 1: what Backoff says, and up to a tenth more by chance,
// so that what failed together does not come again together.
func (r Retry) Delay(failed int) time.Duration {
	least, most := r.Min, r.Max
	if least <= 0 {
		least = defaultRetryMin
	}
	if most <= 0 {
		most = max(defaultRetryMax, least)
	}
	delay := least
	for i := 1; i < failed && delay < most; i++ {
		switch r.Backoff {
		case BackoffConstant:
			i = failed
		case BackoffLinear:
			delay += least
		default:
			delay *= 2
		}
	}
	delay = min(delay, most)
	return delay + rand.N(delay/10+1)
}
