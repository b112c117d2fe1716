package hooks

import (
	"fmt"
	"time"
)

// Finding is what the doctor says of one thing. A warning is fine: nothing has failed yet.
type Finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Fine is the finding of a thing as it should be.
func Fine(name, format string, args ...any) Finding {
	return Finding{Name: name, OK: true, Detail: fmt.Sprintf(format, args...)}
}

// Warning is the finding of a thing that works and could be better.
func Warning(name, format string, args ...any) Finding {
	return Fine(name, "warning: "+format, args...)
}

// Wrong is the finding of a thing that has to be mended.
func Wrong(name, format string, args ...any) Finding {
	return Finding{Name: name, Detail: fmt.Sprintf(format, args...)}
}

const (
	skewWarned  = time.Second
	skewRefused = 5 * time.Second
)

// ClockFinding compares a server's clock with this machine's. The server read its own, as there, between before and
// after; only what the way there and back does not explain counts.
func ClockFinding(name string, before, there, after time.Time) Finding {
	skew, direction := time.Duration(0), "ahead of"
	switch {
	case there.After(after):
		skew = there.Sub(after)
	case there.Before(before):
		skew, direction = before.Sub(there), "behind"
	}
	shown := skew.Round(time.Millisecond)
	switch {
	case skew > skewRefused:
		return Wrong(name, "%s %s this machine's clock: synchronise both, with NTP", shown, direction)
	case skew > skewWarned:
		return Warning(name, "%s %s this machine's clock: synchronise both, with NTP", shown, direction)
	}
	return Fine(name, "within %s of this machine's", skewWarned)
}
