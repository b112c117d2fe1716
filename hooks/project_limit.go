package hooks

import (
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/goccy/go-yaml/ast"
)

// The bounds of limits.
const (
	minRunMemory = 1 << 20
	maxRunMemory = 1 << 40
	maxLog       = 1 << 20
	maxCalls     = 1_000_000
	maxAtOnce    = 100_000
	maxRate      = 1_000_000
)

// limits reads what runs are bounded by.
func (l *loader) limits(to *Limits) setter {
	return func(n ast.Node) {
		var memory, log, payload uint64
		l.object(n, "limits", map[string]setter{
			"memory":      l.size("memory", &memory, minRunMemory, maxRunMemory),
			"log":         l.size("log", &log, 1, maxLog),
			"payload":     l.size("payload", &payload, 1, MaxPayload),
			"calls":       l.count("calls", &to.Calls, maxCalls),
			"concurrency": l.count("concurrency", &to.Concurrency, maxAtOnce),
			"rate":        l.rate(&to.Rate),
		})
		to.Memory, to.Log, to.Payload = memory, int(log), int(payload)
	}
}

// size reads a number of bytes such as 64MiB.
func (l *loader) size(what string, to *uint64, least, most uint64) setter {
	return func(n ast.Node) {
		text := n.GetToken().Value
		v, err := humanize.ParseBytes(text)
		if err != nil || v < least || v > most {
			l.at(n, "%s %.40q is not a size from %s to %s, such as 64MiB", what, text, humanize.IBytes(least), humanize.IBytes(most))
			return
		}
		*to = v
	}
}

// count reads a whole number of at least 1.
func (l *loader) count(what string, to *int, most int) setter {
	return func(n ast.Node) {
		if node, ok := n.(*ast.IntegerNode); ok {
			if v, err := strconv.Atoi(node.Token.Value); err == nil && v >= 1 && v <= most {
				*to = v
				return
			}
		}
		l.at(n, "%s must be a whole number from 1 to %d", what, most)
	}
}

// rate reads how often something may be, such as 100/s, 600/m or 1000/h.
func (l *loader) rate(to *float64) setter {
	return func(n ast.Node) {
		s, ok := l.scalar(n)
		if !ok {
			return
		}
		count, unit, _ := strings.Cut(s, "/")
		per := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
		v, err := strconv.ParseUint(count, 10, 32)
		if err != nil || per == 0 || v == 0 || v > maxRate {
			l.at(n, "rate %.40q is not a number of runs in a time, such as 100/s, 600/m or 1000/h", s)
			return
		}
		*to = float64(v) / per.Seconds()
	}
}
