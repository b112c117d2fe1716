package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// Releases is the registry: the releases of every app, one of them current. It is safe for concurrent use, also by
// several processes.
//
// A release is a manifest, which names its files by hash; both are blobs that never change. An app's pointer lists its
// releases and says which is current; it is replaced as a whole, only if nobody else has done so meanwhile.
type Releases struct {
	conn *Conn
}

// NewReleases returns the registry under the connection's prefix.
func NewReleases(conn *Conn) *Releases { return &Releases{conn} }

// maxReleases is how many releases of an app can be gone back to.
const maxReleases = 500

// pointer is what an app's key holds.
type pointer struct {
	Current  uint64  `json:"current"`
	Releases []entry `json:"releases"` // the oldest first
}

// entry is one release of an app.
type entry struct {
	Number   uint64    `json:"release"`
	Created  time.Time `json:"created"`
	Manifest string    `json:"manifest"` // hash of the blob
}

// find returns the entry of a release; 0 means the current one.
func (p *pointer) find(number uint64) (entry, bool) {
	if number == 0 {
		number = p.Current
	}
	i := slices.IndexFunc(p.Releases, func(e entry) bool { return e.Number == number })
	if i < 0 {
		return entry{}, false
	}
	return p.Releases[i], true
}

// last is the highest number given so far.
func (p *pointer) last() uint64 {
	if len(p.Releases) == 0 {
		return 0
	}
	return p.Releases[len(p.Releases)-1].Number
}

// Info tells of one release without its content.
type Info struct {
	Number  uint64    `json:"release"`
	Created time.Time `json:"created"`
	Current bool      `json:"current"`
}

// Apply stores a release and makes it the app's current one. It returns the release with its number, the last one's
// plus one, and its time; r is not changed. If somebody else applied one at the same time the error is a CONFLICT and
// nothing has changed; a file that is larger than NATS takes is TOO_LARGE.
func (r *Releases) Apply(ctx context.Context, app string, release *hooks.Release) (*hooks.Release, error) {
	if err := hooks.CheckName("app", app); err != nil {
		return nil, err
	}
	p, revision, err := r.pointer(ctx, app)
	if err != nil {
		return nil, err
	}
	next := *release
	next.App, next.Number, next.Created = app, p.last()+1, time.Now().UTC()
	manifest, err := r.store(ctx, &next)
	if err != nil {
		return nil, err
	}
	p.Releases = append(p.Releases, entry{next.Number, next.Created, manifest})
	if surplus := len(p.Releases) - maxReleases; surplus > 0 {
		p.Releases = p.Releases[surplus:]
	}
	p.Current = next.Number
	if err := r.swing(ctx, app, p, revision); err != nil {
		return nil, err
	}
	return &next, nil
}

// Get returns a release of the app; number 0 means the current one.
func (r *Releases) Get(ctx context.Context, app string, number uint64) (*hooks.Release, error) {
	if err := hooks.CheckName("app", app); err != nil {
		return nil, err
	}
	p, _, err := r.pointer(ctx, app)
	if err != nil {
		return nil, err
	}
	e, ok := p.find(number)
	if !ok {
		return nil, hooks.Errorf(hooks.CodeNotFound, "app %s has no release %d", app, number)
	}
	return r.load(ctx, e.Manifest)
}

// List tells of the app's releases, the newest first; none is not an error.
func (r *Releases) List(ctx context.Context, app string) ([]Info, error) {
	if err := hooks.CheckName("app", app); err != nil {
		return nil, err
	}
	p, _, err := r.pointer(ctx, app)
	if err != nil {
		return nil, err
	}
	infos := make([]Info, 0, len(p.Releases))
	for _, e := range slices.Backward(p.Releases) {
		infos = append(infos, Info{e.Number, e.Created, e.Number == p.Current})
	}
	return infos, nil
}

const pointerPrefix = "app."

// pointer returns an app's pointer and its revision, both empty if the app has no release yet.
func (r *Releases) pointer(ctx context.Context, app string) (pointer, uint64, error) {
	kept, err := r.conn.kv.Get(ctx, pointerPrefix+app)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return pointer{}, 0, nil
	case err != nil:
		return pointer{}, 0, unavailable("releases of app "+app, err)
	}
	var p pointer
	if err := json.Unmarshal(kept.Value(), &p); err != nil {
		return p, 0, unavailable("releases of app "+app, err)
	}
	return p, kept.Revision(), nil
}

// swing replaces the app's pointer if it is still at that revision.
func (r *Releases) swing(ctx context.Context, app string, p pointer, revision uint64) error {
	value, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("releases of app %s: %w", app, err)
	}
	if revision == 0 {
		_, err = r.conn.kv.Create(ctx, pointerPrefix+app, value)
	} else {
		_, err = r.conn.kv.Update(ctx, pointerPrefix+app, value, revision)
	}
	switch {
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return hooks.Errorf(hooks.CodeConflict, "somebody else has applied a release of app %s at the same time", app)
	case err != nil:
		return unavailable("releases of app "+app, err)
	}
	return nil
}

func unavailable(what string, err error) error {
	return hooks.Errorf(hooks.CodeUnavailable, "%s cannot be reached", what).Because(err)
}
