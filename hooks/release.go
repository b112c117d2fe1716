package hooks

import (
	"encoding/json"
	"time"
)

// Release is everything an app has registered: immutable and numbered.
type Release struct {
	App     string    `json:"app"`
	Number  uint64    `json:"release"`
	Created time.Time `json:"created"`
	Hooks   []Hook    `json:"hooks,omitempty"`
	Jobs    []Job     `json:"jobs,omitempty"`
	Methods []Method  `json:"methods,omitempty"`
	// Builtins are the commands or statements that callers may use by the built-ins of a data service, in upper case;
	// a service that is not named has the usual ones.
	Builtins map[string][]string  `json:"builtins,omitempty"`
	Limits   Limits               `json:"limits,omitzero"`    // of all runs of the app, and of those that say nothing
	Settings json.RawMessage      `json:"settings,omitempty"` // secrets only by reference
	Services map[string]*Upstream `json:"services,omitempty"` // other people's APIs, by name
	Sessions *Sessions            `json:"sessions,omitempty"` // nil: callers have none
	Files    map[string]string    `json:"files"`              // by slash-separated path: the source
}

// Hook is a script and what it is attached to. Durations and defaults are filled in.
type Hook struct {
	Name      string          `json:"name"`
	Service   string          `json:"service"`             // "*" matches any
	Operation string          `json:"operation,omitempty"` // empty: the script's functions say which
	Phase     Phase           `json:"phase,omitempty"`     // with Operation
	Script    string          `json:"script"`
	Functions []string        `json:"functions"`           // the hook functions that the script defines
	LastValue bool            `json:"lastValue,omitempty"` // the script's last expression is its answer; it defines no function for Operation
	Timeout   time.Duration   `json:"timeout"`
	OnError   Policy          `json:"onError,omitempty"` // empty: the phase's default
	Sync      bool            `json:"sync,omitempty"`    // its after and failed functions run while the caller waits, and may change the response
	Order     int             `json:"order,omitempty"`
	When      string          `json:"when,omitempty"`
	WhenLine  int             `json:"whenLine,omitempty"` // where the condition begins in gaff.yaml, from 1
	WhenCol   int             `json:"whenCol,omitempty"`
	Changed   []string        `json:"changed,omitempty"`
	Origins   []Origin        `json:"origins"`
	Params    json.RawMessage `json:"params,omitempty"`
	Ordered   bool            `json:"ordered,omitempty"` // after and failed: events of one key one at a time, in the order of their publishing
	Limits    Limits          `json:"limits,omitzero"`
	Retry     Retry           `json:"retry,omitzero"` // of what runs from the stream; see [Hook.Attempts]
	Disabled  bool            `json:"disabled,omitempty"`
}

// Job is a hook that the clock starts. Durations and defaults are filled in.
type Job struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Schedule    string        `json:"schedule"`
	Timezone    string        `json:"timezone"`
	Script      string        `json:"script"`
	LastValue   bool          `json:"lastValue,omitempty"` // the script's last expression is its answer; it has no runJob
	Timeout     time.Duration `json:"timeout"`
	Overlap     Overlap       `json:"overlap,omitempty"`     // empty: OverlapSkip
	Missed      Missed        `json:"missed,omitempty"`      // empty: MissedLatest
	Jitter      time.Duration `json:"jitter,omitempty"`      // a tick starts up to so much later, by its id
	Concurrency int           `json:"concurrency,omitempty"` // runs at once at most, over all workers; 0: any number
	Limits      Limits        `json:"limits,omitzero"`
	Retry       Retry         `json:"retry,omitzero"` // by default a run that fails is not tried again
	Disabled    bool          `json:"disabled,omitempty"`
}

// Overlap says what becomes of a tick while the run of an earlier tick goes on.
type Overlap string

// OverlapSkip passes the tick over, OverlapAllow runs it beside the other.
const (
	OverlapSkip  Overlap = "skip"
	OverlapAllow Overlap = "allow"
)

// Missed says what becomes of ticks for which no scheduler was there, once one is.
type Missed string

// MissedSkip passes them over, MissedLatest runs the last of them, MissedAll every one.
const (
	MissedSkip   Missed = "skip"
	MissedLatest Missed = "latest"
	MissedAll    Missed = "all"
)

// Policy says what a broken, late or unreachable hook means for the call.
type Policy string

// Fail stops the call, Ignore goes on with a warning.
const (
	Fail   Policy = "fail"
	Ignore Policy = "ignore"
)

// ReleaseSummary is a release as lists show it.
type ReleaseSummary struct {
	App     string    `json:"app"`
	Number  uint64    `json:"release"`
	Created time.Time `json:"created"`
	Current bool      `json:"current"`
	Hooks   int       `json:"hooks"`
	Jobs    int       `json:"jobs"`
	By      string    `json:"by,omitempty"`     // who applied it
	Canary  int       `json:"canary,omitempty"` // the percentage of events that it gets beside the current one
}
