package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"gaff/hooks"
)

// Config is what a [Server] needs. All is required except where a field says otherwise.
type Config struct {
	Collections Collections
	Gate        hooks.Gate
	Calls       Caller
	Tables      Tables
	Releases    Releases
	History     History
	States      States
	Apps        Apps
	Accounts    Accounts
	Authority   Authority
	Signatures  Signatures
	Keys        Keys
	Secrets     Secrets
	// Build makes a release of a project's files; what is wrong with them is a [hooks.ProjectError].
	Build func(files map[string]string) (*hooks.Release, error)
	// RunJob has a job run once, soon, and returns the id of its event.
	RunJob      func(ctx context.Context, app, job string) (id string, err error)
	Tasks       Tasks
	TaskControl TaskControl
	// DryRun runs the hooks of an event under a release, where nothing that they change lasts, and returns the verdict
	// and the records of all runs.
	DryRun func(ctx context.Context, r *hooks.Release, e *hooks.Event) (hooks.Verdict, []hooks.Record, error)
	Logs   Logs
	// Once keeps the answers to requests with an Idempotency-Key. Default: the header says nothing.
	Once Once
	// Dead keeps the dead letters, and Replay has a hook run again for events. Default: there are no such operations.
	Dead   Dead
	Replay func(ctx context.Context, f hooks.ReplayFilter, perSecond int, dry bool) (hooks.Replayed, error)
	// Recorder takes the records of changes that callers make. Default: they are not recorded.
	Recorder hooks.Recorder
	// Checks are what /readyz asks, by the name that it shows. They obey their context. None: always ready.
	Checks map[string]func(context.Context) error
	// Metrics answers /metrics. Default: nothing is there.
	Metrics http.Handler
	// Doctor finds out more than the checks do, for /v1/doctor. Default: nothing more.
	Doctor func(context.Context) []hooks.Finding
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

// Tables has the table of each app that serves at the moment, nil if it has none.
type Tables interface {
	Of(app string) *hooks.Table
}

// Releases changes what serves. A change that expects another revision than there is, is a CONFLICT.
type Releases interface {
	// Apply stores r as its app's next release and makes it current, or the canary. It returns r with its number, and
	// the new revision.
	Apply(ctx context.Context, r *hooks.Release, o hooks.ApplyOptions) (*hooks.Release, uint64, error)
	// Rollback makes a release current and ends a canary; 0 means the canary's end, or the release before.
	Rollback(ctx context.Context, app string, number uint64, o hooks.ApplyOptions) (hooks.Pointer, error)
	// Promote makes the canary current.
	Promote(ctx context.Context, app string, o hooks.ApplyOptions) (hooks.Pointer, error)
}

// History reads what was applied.
type History interface {
	// List returns an app's releases; none is no error.
	List(ctx context.Context, app string) ([]hooks.ReleaseSummary, error)
	// Get returns one of them, with number 0 the current one, or a NOT_FOUND error.
	Get(ctx context.Context, app string, number uint64) (*hooks.Release, error)
	// Current returns the app's pointer; an app that there is not is a NOT_FOUND.
	Current(ctx context.Context, app string) (hooks.Pointer, error)
}

// States keeps what is switched off.
type States interface {
	// State returns it with its revision, 0 if nothing ever was.
	State(ctx context.Context, app string) (hooks.State, uint64, error)
	// SetState changes it, if it is still at that revision (0: at any), and returns the new revision.
	SetState(ctx context.Context, app string, ifRevision uint64, change func(*hooks.State) error) (uint64, error)
}

// Apps keeps the apps.
type Apps interface {
	Apps(ctx context.Context) ([]hooks.AppSummary, error)
	CreateApp(ctx context.Context, app string) error
	DeleteApp(ctx context.Context, app string) error
}

// Accounts keeps what metered apps have left.
type Accounts interface {
	Account(ctx context.Context, app string) (hooks.Account, error)
	SetBalance(ctx context.Context, app string, balance int64) error
	// AddBalance gives the app so many calls more; a negative number takes them.
	AddBalance(ctx context.Context, app string, more int64) error
}

// Authority knows the keys of callers, without asking anybody.
type Authority interface {
	// Check returns the key whose secret this is, or an UNAUTHORIZED error.
	Check(secret string) (hooks.Key, error)
}

// Signatures knows what the signatures of requests are checked with.
type Signatures interface {
	// SigningSecret returns the signing secret of a key whose requests must be signed.
	SigningSecret(key *hooks.Key) (string, error)
	// UseNonce returns an UNAUTHORIZED error if a request with the nonce has come with the key before.
	UseNonce(ctx context.Context, id, nonce string) error
}

// Keys keeps keys. Requests of a key that is made with a signing secret must be signed.
type Keys interface {
	Create(ctx context.Context, key hooks.Key, signing string) error
	List(ctx context.Context, app string) ([]hooks.Key, error)
	Revoke(ctx context.Context, app, id string) error
}

// Secrets keeps secrets, which it never shows.
type Secrets interface {
	// Set keeps a secret. A revision other than 0 must be that of what is there, else CONFLICT; so with Delete.
	Set(ctx context.Context, app, name, value string, ifRevision uint64) error
	Delete(ctx context.Context, app, name string, ifRevision uint64) error
	List(ctx context.Context, app string) ([]hooks.SecretSummary, error)
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
	maxTrials      = 2   // dry runs at once
)

// timing has the times that tests shorten.
type timing struct {
	idle        time.Duration // between requests of a connection; longer than clients keep one, so that it is they who close it
	header      time.Duration // for a header to arrive, from its first byte
	readBody    time.Duration // for a body to arrive
	readRelease time.Duration // for a project to arrive
	heartbeat   time.Duration // between signs of life on a stream
	drain       time.Duration // between the announcement that connections close, and closing those that are idle
	stop        time.Duration // for requests in flight, once the server stops
}

func defaultTiming() timing {
	return timing{
		idle:        2 * time.Minute,
		header:      10 * time.Second,
		readBody:    30 * time.Second,
		readRelease: 2 * time.Minute,
		heartbeat:   15 * time.Second,
		drain:       200 * time.Millisecond,
		stop:        25 * time.Second,
	}
}

func (c *Config) check() error {
	for _, part := range []struct {
		name    string
		missing bool
	}{
		{"Collections", c.Collections == nil}, {"Gate", c.Gate == nil}, {"Calls", c.Calls == nil}, {"Tables", c.Tables == nil},
		{"Releases", c.Releases == nil}, {"History", c.History == nil}, {"States", c.States == nil}, {"Apps", c.Apps == nil},
		{"Accounts", c.Accounts == nil},
		{"Authority", c.Authority == nil}, {"Signatures", c.Signatures == nil}, {"Keys", c.Keys == nil}, {"Secrets", c.Secrets == nil}, {"Build", c.Build == nil},
		{"RunJob", c.RunJob == nil}, {"Tasks", c.Tasks == nil}, {"TaskControl", c.TaskControl == nil}, {"DryRun", c.DryRun == nil}, {"Logs", c.Logs == nil},
	} {
		if part.missing {
			return fmt.Errorf("edge: Config.%s is missing", part.name)
		}
	}
	return nil
}
