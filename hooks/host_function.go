package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// HostFunctions carry out what scripts cannot do themselves, by the name of the host function, such as kv.get. Collections
// carry out those of db. An adapter that has a technology to offer to scripts returns some; cmd joins them.
type HostFunctions map[string]HostFunction

// HostFunction is one host function: the arguments are those of the script, as JSON, and so is the result. It must be safe
// for concurrent use and end soon after ctx, whose deadline is that of the run. An [Error] that it returns is one that
// the script sees; of any other the script learns only which function failed.
type HostFunction func(ctx context.Context, c *Caller, args []json.RawMessage) (json.RawMessage, error)

// More goes on with a call of a host function, for example with the next piece of what it reads. data is for the script;
// result, if there is one, is from now on what the run's record has as the result of the call. It must be safe for
// concurrent use and end soon after ctx.
type More func(ctx context.Context, args []json.RawMessage) (data, result json.RawMessage, err error)

// Caller is the run that calls a host function. Its fields must not be changed.
type Caller struct {
	Event *Event // what the run is about: its app, session, depth
	Table *Table // the release that the run belongs to, with settings and secrets
	Run   string // id of the run's record
	Name  string // of the hook or job with its function, as callers see it

	lines *hostLines
	end   func(result json.RawMessage, err error) // tells the run's record what came of the call; may be nil
}

// NewCaller returns a caller for an adapter's own tests, and for whoever calls a host function without a script.
func NewCaller(e *Event, t *Table) *Caller { return &Caller{Event: e, Table: t, lines: &hostLines{}} }

// Lines returns what was logged, after which nothing more is.
func (c *Caller) Lines() []LogLine { return c.lines.take() }

// Log adds a line to the log of the run, as if the script had written it; level is debug, info, warn, error or fatal.
// Lines past the bound of a run's log, and after its record is written, are dropped.
func (c *Caller) Log(level, format string, args ...any) {
	c.lines.add(LogLine{Level: level, Time: time.Now(), Text: fmt.Sprintf(format, args...)})
}

// The bounds of what host functions write to the log of a run.
const (
	maxHostLines = 256
	maxHostText  = 1 << 10 // bytes of one line
)

// hostLines are the lines that the host functions of one run have written, how often each was called, and which of their
// calls the script can go on with.
type hostLines struct {
	mu    sync.Mutex
	lines []LogLine
	ended bool
	taken map[string]int
	more  []kept
}

func (h *hostLines) add(l LogLine) {
	if len(l.Text) > maxHostText {
		l.Text = l.Text[:maxHostText] + "…"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ended && len(h.lines) < maxHostLines {
		h.lines = append(h.lines, l)
	}
}

// take returns the lines; later ones are dropped.
func (h *hostLines) take() []LogLine {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	return h.lines
}

// Take counts one more of what a run may do only so often, and reports whether it still may.
func (c *Caller) Take(what string, most int) bool {
	c.lines.mu.Lock()
	defer c.lines.mu.Unlock()
	if c.lines.taken == nil {
		c.lines.taken = map[string]int{}
	}
	c.lines.taken[what]++
	return c.lines.taken[what] <= most
}
