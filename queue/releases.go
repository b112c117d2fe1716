package queue

import (
	"context"
	"time"

	"gaff/hooks"
)

// Releases is the registry: the releases of every app, one of them current, and what its operators have switched off.
// It is safe for concurrent use, also by several processes.
//
// A release is a manifest, which names its files by hash; both are blobs that never change. An app's pointer lists its
// releases and says which is current; it is replaced as a whole, only if nobody else has done so meanwhile. Of an app's
// releases the newest are kept, as many as the connection's configuration says, and always those that serve.
type Releases struct {
	conn  *Conn
	grace time.Duration // for which a blob that nothing refers to is kept
}

// NewReleases returns the registry under the connection's prefix.
func NewReleases(conn *Conn) *Releases { return &Releases{conn: conn, grace: blobGrace} }

// Apply stores a release and makes it the current one of its app, or with CanaryPercent its canary beside the current
// one; a canary that there was ends. It returns the release with its number, which no other release of the app ever
// has, and its time, and the pointer's new revision; release is not changed. If somebody else changed the app's releases at the
// same time the error is a CONFLICT and nothing has changed; a file that is larger than NATS takes is TOO_LARGE.
func (r *Releases) Apply(ctx context.Context, release *hooks.Release, o hooks.ApplyOptions) (*hooks.Release, uint64, error) {
	p, revision, err := r.expect(ctx, release.App, o)
	switch {
	case err != nil:
		return nil, 0, err
	case o.CanaryPercent < 0 || o.CanaryPercent > 99:
		return nil, 0, hooks.Errorf(hooks.CodeBadRequest, "a canary gets 1 to 99 percent of the events, not %d", o.CanaryPercent)
	case o.CanaryPercent > 0 && p.Current == 0:
		return nil, 0, hooks.Errorf(hooks.CodeBadRequest, "app %s has no release yet that a canary could stand beside", release.App)
	}
	next := *release
	next.Number, next.Created = p.last()+1, time.Now().UTC()
	started := time.Now().Round(0) // by the clock, which goes on while a machine is suspended
	manifest, err := r.store(ctx, &next)
	if err != nil {
		return nil, 0, err
	}
	if time.Since(started) > r.grace/4 {
		return nil, 0, hooks.Errorf(hooks.CodeUnavailable, "storing the release took too long; try again")
	}
	p.add(entry{
		Number: next.Number, Created: next.Created, Manifest: manifest, By: o.By, Hooks: len(next.Hooks), Jobs: len(next.Jobs),
	}, o.CanaryPercent)
	p.retain(r.conn.config.KeepReleases)
	if revision, err = r.swing(ctx, next.App, p, revision); err != nil {
		return nil, 0, err
	}
	return &next, revision, nil
}

// Rollback makes an earlier release, or any other that is kept, the app's current one, and ends a canary. Number 0 means
// to end the canary if there is one, otherwise to go back to the release before the current one.
func (r *Releases) Rollback(ctx context.Context, app string, number uint64, o hooks.ApplyOptions) (hooks.Pointer, error) {
	p, revision, err := r.expect(ctx, app, o)
	if err != nil {
		return hooks.Pointer{}, err
	}
	switch {
	case number == 0 && p.Canary != nil:
		number = p.Current
	case number == 0:
		number = p.before(p.Current)
	}
	if _, ok := p.find(number); !ok || number == 0 {
		return hooks.Pointer{}, noRelease(app, number)
	}
	p.Current, p.Canary = number, nil
	return r.swung(ctx, app, p, revision)
}

// Promote makes the app's canary its current release. Without a canary the error is a CONFLICT.
func (r *Releases) Promote(ctx context.Context, app string, o hooks.ApplyOptions) (hooks.Pointer, error) {
	p, revision, err := r.expect(ctx, app, o)
	if err != nil {
		return hooks.Pointer{}, err
	}
	if p.Canary == nil {
		return hooks.Pointer{}, hooks.Errorf(hooks.CodeConflict, "app %s has no canary to promote", app)
	}
	p.Current, p.Canary = p.Canary.Release, nil
	return r.swung(ctx, app, p, revision)
}

// expect returns the app's pointer, if it is the one that the caller knows.
func (r *Releases) expect(ctx context.Context, app string, o hooks.ApplyOptions) (pointer, uint64, error) {
	if err := hooks.CheckName("app", app); err != nil {
		return pointer{}, 0, err
	}
	p, revision, err := r.pointer(ctx, app)
	if err == nil && o.IfRevision != 0 && o.IfRevision != revision {
		err = conflict(app)
	}
	return p, revision, err
}

// swung replaces the pointer and returns what callers see of it.
func (r *Releases) swung(ctx context.Context, app string, p pointer, revision uint64) (hooks.Pointer, error) {
	revision, err := r.swing(ctx, app, p, revision)
	if err != nil {
		return hooks.Pointer{}, err
	}
	return p.public(app, revision), nil
}

func conflict(app string) error {
	return hooks.Errorf(hooks.CodeConflict, "somebody else has changed the releases of app %s meanwhile", app)
}

func noRelease(app string, number uint64) error {
	if number == 0 {
		return hooks.Errorf(hooks.CodeNotFound, "app %s has no such release", app)
	}
	return hooks.Errorf(hooks.CodeNotFound, "app %s has no release %d", app, number)
}

func unavailable(what string, err error) error {
	return hooks.Errorf(hooks.CodeUnavailable, "%s cannot be reached", what).Because(err)
}
