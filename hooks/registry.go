package hooks

import "time"

// ApplyOptions says how a change to an app's releases is made. The zero value makes it whatever there is.
type ApplyOptions struct {
	IfRevision    uint64 // of the app's pointer that the caller knows; if it is another the change is a CONFLICT; 0: any
	CanaryPercent int    // 1 to 99: the share of events that the release gets beside the current one; 0: all
	By            string // who does it
}

// Pointer says which of an app's releases serve.
type Pointer struct {
	App      string    `json:"app"`
	Release  uint64    `json:"release"` // the current one; 0: none yet
	Canary   *Canary   `json:"canary,omitempty"`
	Revision uint64    `json:"-"` // changes with every change of the pointer
	Created  time.Time `json:"created"`
}

// Canary is a release on trial: it gets Percent of the app's events.
type Canary struct {
	Release uint64 `json:"release"`
	Percent int    `json:"percent"`
}

// AppSummary is an app as lists show it.
type AppSummary struct {
	Name    string    `json:"name"`
	Release uint64    `json:"release"` // the current one; 0: none yet
	Hooks   int       `json:"hooks"`
	Jobs    int       `json:"jobs"`
	Created time.Time `json:"created"`
	Plan    Plan      `json:"plan,omitempty"`
	Paused  bool      `json:"paused,omitempty"`  // its events wait
	Account *Account  `json:"account,omitempty"` // of a metered app
}

// SecretSummary is a secret as lists show it: never its value.
type SecretSummary struct {
	Name     string    `json:"name"`
	Changed  time.Time `json:"changed"`
	Revision uint64    `json:"revision"` // in quotes it is the secret's ETag
}
