package queue

import (
	"context"
	"slices"

	"gaff/hooks"
)

// Get returns a release of the app; number 0 means the current one.
func (r *Releases) Get(ctx context.Context, app string, number uint64) (*hooks.Release, error) {
	p, _, err := r.expect(ctx, app, hooks.ApplyOptions{})
	if err != nil {
		return nil, err
	}
	e, ok := p.find(number)
	if !ok {
		return nil, noRelease(app, number)
	}
	return r.load(ctx, e.Manifest, nil)
}

// List tells of the app's releases, the newest first; none is not an error.
func (r *Releases) List(ctx context.Context, app string) ([]hooks.ReleaseSummary, error) {
	p, _, err := r.expect(ctx, app, hooks.ApplyOptions{})
	if err != nil {
		return nil, err
	}
	list := make([]hooks.ReleaseSummary, 0, len(p.Releases))
	for _, e := range slices.Backward(p.Releases) {
		s := hooks.ReleaseSummary{
			App: app, Number: e.Number, Created: e.Created, Current: e.Number == p.Current, Hooks: e.Hooks, Jobs: e.Jobs, By: e.By,
		}
		if p.Canary != nil && p.Canary.Release == e.Number {
			s.Canary = p.Canary.Percent
		}
		list = append(list, s)
	}
	return list, nil
}

// Current returns the app's pointer. An app that does not exist has none: the error is a NOT_FOUND.
func (r *Releases) Current(ctx context.Context, app string) (hooks.Pointer, error) {
	p, revision, err := r.expect(ctx, app, hooks.ApplyOptions{})
	switch {
	case err != nil:
		return hooks.Pointer{}, err
	case revision == 0:
		return hooks.Pointer{}, noApp(app)
	}
	return p.public(app, revision), nil
}
