package process

import (
	"context"

	"gaff/hooks"
	"gaff/queue"
)

// registry is the releases as the HTTP server sees them.
type registry struct{ releases *queue.Releases }

func (r registry) Apply(ctx context.Context, release *hooks.Release) (*hooks.Release, error) {
	return r.releases.Apply(ctx, release.App, release)
}

func (r registry) List(ctx context.Context, app string) ([]hooks.ReleaseSummary, error) {
	list, err := r.releases.List(ctx, app)
	if err != nil {
		return nil, err
	}
	summaries := make([]hooks.ReleaseSummary, len(list))
	for i, info := range list {
		summaries[i] = hooks.ReleaseSummary{App: app, Number: info.Number, Created: info.Created, Current: info.Current}
	}
	return summaries, nil
}
