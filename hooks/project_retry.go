package hooks

import (
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// The bounds of retry.
const (
	maxAttempts  = 100
	maxRetryWait = 24 * time.Hour
)

// retry reads how a run that failed is tried again.
func (l *loader) retry(r *Retry) setter {
	return func(n ast.Node) {
		o := l.object(n, "retry", map[string]setter{
			"attempts": l.attempts(&r.Attempts),
			"backoff":  oneOf(l, &r.Backoff, BackoffExponential, BackoffLinear, BackoffConstant),
			"min":      l.retryWait("min", &r.Min),
			"max":      l.retryWait("max", &r.Max),
		})
		if r.Min > 0 && r.Max > 0 && r.Min > r.Max {
			l.at(o.at("max"), "max is shorter than min")
		}
	}
}

func (l *loader) attempts(i *int) setter {
	return func(n ast.Node) {
		if node, ok := n.(*ast.IntegerNode); ok {
			v, err := strconv.Atoi(node.Token.Value)
			if *i = v; err == nil && v >= 1 && v <= maxAttempts {
				return
			}
		}
		l.at(n, "attempts must be a whole number from 1 to %d: how often it is run in all", maxAttempts)
	}
}

func (l *loader) retryWait(what string, d *time.Duration) setter {
	return func(n ast.Node) {
		s, ok := l.scalar(n)
		if !ok {
			return
		}
		v, err := time.ParseDuration(s)
		if err != nil || v < time.Millisecond || v > maxRetryWait {
			l.at(n, "%s %.40q: a duration from 1ms to %v is needed, such as 30s", what, s, maxRetryWait)
			return
		}
		*d = v
	}
}
