//go:build unix

package executor

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock tells a time that all processes of a machine share and that nobody can set, in nanoseconds.
type clock struct {
	started time.Time
	offset  int64
}

func newClock() (clock, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return clock{}, err
	}
	return clock{started: time.Now(), offset: ts.Nano()}, nil
}

// of is when t was or will be; 0 for the zero time.
func (c clock) of(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return c.offset + int64(t.Sub(c.started))
}

func (c clock) now() int64 { return c.of(time.Now()) }

// time is the opposite of of.
func (c clock) time(at int64) time.Time {
	if at == 0 {
		return time.Time{}
	}
	return c.started.Add(time.Duration(at - c.offset))
}
