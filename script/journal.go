package script

import (
	"cmp"
	"sync"
	"time"
)

const (
	maxLines    = 1000
	maxLine     = 8 << 10
	maxLogBytes = 128 << 10
)

// Cut is the end of a line that was too long to be logged whole.
const Cut = "… (cut)"

// journal is the log of one run. It is locked because a run that is abandoned may still be writing.
type journal struct {
	mu       sync.Mutex
	lines    []LogLine
	warnings []string
	bytes    int
	full     bool
	most     int // bytes; 0: maxLogBytes
}

func (j *journal) add(level, text string) {
	if len(text) > maxLine {
		text = text[:maxLine] + Cut
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.full {
		return
	}
	if len(j.lines) >= maxLines || j.bytes+len(text) > cmp.Or(j.most, maxLogBytes) {
		j.full = true
		level, text = "warn", "the log of this run is full; what follows is dropped"
	}
	j.bytes += len(text)
	j.lines = append(j.lines, LogLine{Level: level, Time: time.Now(), Text: text})
}

func (j *journal) warn(text string) {
	j.add("warn", text)
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.warnings) < maxPending {
		j.warnings = append(j.warnings, text)
	}
}

func (j *journal) take() ([]LogLine, []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines[:len(j.lines):len(j.lines)], j.warnings[:len(j.warnings):len(j.warnings)]
}

func (r *run) warn(text string) { r.journal.warn(text) }
