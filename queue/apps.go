package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// Apps lists all apps, by name.
func (r *Releases) Apps(ctx context.Context) ([]hooks.AppSummary, error) {
	apps := []hooks.AppSummary{}
	err := each(ctx, r.conn.kv, pointerPrefix+"*", func(kept jetstream.KeyValueEntry) error {
		var p pointer
		if err := json.Unmarshal(kept.Value(), &p); err != nil {
			return err
		}
		e, _ := p.find(p.Current)
		name := strings.TrimPrefix(kept.Key(), pointerPrefix)
		apps = append(apps, hooks.AppSummary{Name: name, Release: p.Current, Hooks: e.Hooks, Jobs: e.Jobs, Created: p.Created})
		return nil
	})
	if err != nil {
		return nil, unavailable("the list of apps", err)
	}
	slices.SortFunc(apps, func(a, b hooks.AppSummary) int { return cmp.Compare(a.Name, b.Name) })
	return apps, nil
}

// CreateApp makes an app without a release. One that exists is a CONFLICT.
func (r *Releases) CreateApp(ctx context.Context, app string) error {
	p, revision, err := r.expect(ctx, app, hooks.ApplyOptions{})
	if err != nil {
		return err
	}
	if p.Created = time.Now().UTC(); revision == 0 {
		_, err = r.swing(ctx, app, p, 0)
	}
	if e, ok := errors.AsType[*hooks.Error](err); revision != 0 || ok && e.Code == hooks.CodeConflict {
		return hooks.Errorf(hooks.CodeConflict, "app %s exists already", app)
	}
	return err
}

// DeleteApp removes an app: its keys and secrets, its state, then its releases. If it fails on the way it can be called
// again. Documents and records stay.
func (r *Releases) DeleteApp(ctx context.Context, app string) error {
	_, revision, err := r.expect(ctx, app, hooks.ApplyOptions{})
	switch {
	case err != nil:
		return err
	case revision == 0:
		return noApp(app)
	}
	if err := NewKeys(r.conn).deleteAll(ctx, app); err != nil {
		return err
	}
	if err := NewSecrets(r.conn).deleteAll(ctx, app); err != nil {
		return err
	}
	for _, key := range []string{statePrefix + app, pointerPrefix + app} {
		if err := r.conn.kv.Delete(ctx, key); err != nil {
			return unavailable("app "+app, err)
		}
	}
	return nil
}

func noApp(app string) error { return hooks.Errorf(hooks.CodeNotFound, "there is no app %s", app) }

// each calls f with every key of a bucket that matches, as they are now.
func each(ctx context.Context, kv jetstream.KeyValue, keys string, f func(jetstream.KeyValueEntry) error, opts ...jetstream.WatchOpt) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watcher, err := kv.Watch(ctx, keys, append(opts, jetstream.IgnoreDeletes())...)
	if err != nil {
		return err
	}
	defer end(watcher)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case kept, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errors.New("the list has broken off")
			case kept == nil:
				return nil
			}
			if err := f(kept); err != nil {
				return err
			}
		}
	}
}
