package edge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"gaff/hooks"
)

// Config is what a [Server] needs. All is required except where a field says otherwise.
type Config struct {
	Collections Collections
	Gate        hooks.Gate
	Releases    Releases
	// Build makes a release of a project's files; what is wrong with them is a [hooks.ProjectError].
	Build func(files map[string]string) (*hooks.Release, error)
	Logs  Logs
	// Checks are what /readyz asks, by the name that it shows. They obey their context. None: always ready.
	Checks map[string]func(context.Context) error
	// AdminKey opens everything of every app. Empty: no such key.
	AdminKey string
	// Open lets callers in without a key, and refuses those that a browser sends from another site. It is meant for
	// an address that only this machine reaches.
	Open bool
	// Log gets what callers must not see. Default: nothing is logged.
	Log *slog.Logger
}

// Collections carries out calls on documents.
type Collections interface {
	Do(ctx context.Context, call hooks.CollectionCall) (hooks.Reply, error)
}

// Releases keeps what apps have registered.
type Releases interface {
	// Apply stores r as its app's next release and makes it current. It returns r with its number.
	Apply(ctx context.Context, r *hooks.Release) (*hooks.Release, error)
	// List returns an app's releases, oldest first.
	List(ctx context.Context, app string) ([]hooks.ReleaseSummary, error)
}

// Logs reads the records of runs.
type Logs interface {
	// Logs returns the newest records that f selects, oldest first.
	Logs(ctx context.Context, f hooks.LogFilter) ([]hooks.Record, error)
	// Tail calls each with every record that f selects, from f.Since or from now on, until ctx ends or each fails.
	Tail(ctx context.Context, f hooks.LogFilter, each func(hooks.Record) error) error
}

// Bounds of what comes in.
const (
	maxBody        = 1 << 20  // bytes
	maxReleaseBody = 24 << 20 // bytes; a project of the largest size, escaped
	maxHeader      = 64 << 10 // bytes
	maxDeadline    = 10 * time.Minute
	maxStreams     = 256 // log streams at once
)

// timing has the times that tests shorten.
type timing struct {
	readBody    time.Duration // for a body to arrive
	readRelease time.Duration // for a project to arrive
	heartbeat   time.Duration // between signs of life on a stream
	drain       time.Duration // between the announcement that connections close, and closing those that are idle
	stop        time.Duration // for requests in flight, once the server stops
}

func defaultTiming() timing {
	return timing{
		readBody:    30 * time.Second,
		readRelease: 2 * time.Minute,
		heartbeat:   15 * time.Second,
		drain:       200 * time.Millisecond,
		stop:        25 * time.Second,
	}
}

func (c *Config) check() error {
	switch {
	case c.Collections == nil:
		return errors.New("edge: Config.Collections is missing")
	case c.Gate == nil:
		return errors.New("edge: Config.Gate is missing")
	case c.Releases == nil || c.Build == nil:
		return errors.New("edge: Config.Releases or Config.Build is missing")
	case c.Logs == nil:
		return errors.New("edge: Config.Logs is missing")
	}
	return nil
}
