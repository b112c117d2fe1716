package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

const (
	// compareEvery is how often what is loaded is compared with every app's pointer, whatever the watch has told.
	compareEvery = 30 * time.Second

	firstWatchBackoff = 100 * time.Millisecond
	maxWatchBackoff   = 5 * time.Second
)

// watch keeps tables current.
type watch struct {
	releases *Releases
	tables   *hooks.Tables
	onChange func(*hooks.Table)
	ready    func()
	loaded   map[string]uint64 // revision of the pointer, by app
}

// Watch keeps tables at the current release of every app until ctx ends. It calls ready once, when everything there is
// has been loaded, and onChange after each table it has set; both may be nil, and hold up further changes until they
// return. A release that cannot be loaded leaves the one before in place and is tried again.
//
// A change arrives in milliseconds; if the watch fails, no later than the connection is back, or after 30 s.
func (r *Releases) Watch(ctx context.Context, tables *hooks.Tables, onChange func(*hooks.Table), ready func()) error {
	status := r.conn.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer r.conn.nc.RemoveStatusListener(status)
	w := &watch{releases: r, tables: tables, onChange: onChange, ready: ready, loaded: map[string]uint64{}}
	backoff := firstWatchBackoff
	for {
		err := w.round(ctx, status)
		switch {
		case ctx.Err() != nil:
			return nil
		case r.conn.nc.IsClosed():
			return errors.New("watch releases: the connection was closed")
		case err == nil:
			backoff = firstWatchBackoff
			continue
		}
		r.conn.log.Warn("releases: what is loaded stays, and is compared again soon", "error", err)
		if !pause(ctx, backoff) {
			return nil
		}
		backoff = min(2*backoff, maxWatchBackoff)
	}
}

// round opens a watch, which begins with the pointers of all apps, and follows it for a while. So each round compares
// everything, and a watch that has died unnoticed is replaced by the next.
func (w *watch) round(ctx context.Context, status <-chan nats.Status) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watcher, err := w.releases.conn.kv.Watch(ctx, pointerPrefix+"*")
	if err != nil {
		return fmt.Errorf("watch releases: %w", err)
	}
	defer end(watcher)
	next := time.NewTimer(compareEvery)
	defer next.Stop()
	var failed error
	for complete := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
			return nil
		case <-status:
			return nil
		case kept, ok := <-watcher.Updates():
			switch {
			case !ok:
				return errors.New("watch releases: the watch has ended")
			case kept != nil:
				failed = errors.Join(failed, w.take(ctx, kept))
			default:
				complete = true
			}
		}
		if complete && failed != nil { // what could not be loaded needs another round
			return failed
		}
		if complete && w.ready != nil {
			w.ready()
			w.ready = nil
		}
	}
}

// end stops a watcher and lets it get rid of what it still has to say, so that its goroutine ends.
func end(watcher jetstream.KeyWatcher) {
	if err := watcher.Stop(); err != nil && !errors.Is(err, nats.ErrBadSubscription) && !errors.Is(err, nats.ErrConnectionClosed) {
		return
	}
	for range watcher.Updates() {
	}
}

// take loads the release that a pointer says is current, unless that is the one that serves.
func (w *watch) take(ctx context.Context, kept jetstream.KeyValueEntry) error {
	app := strings.TrimPrefix(kept.Key(), pointerPrefix)
	if kept.Operation() != jetstream.KeyValuePut || w.loaded[app] == kept.Revision() {
		return nil
	}
	var p pointer
	if err := json.Unmarshal(kept.Value(), &p); err != nil {
		return fmt.Errorf("releases of app %s: %w", app, err)
	}
	e, ok := p.find(p.Current)
	if !ok {
		return fmt.Errorf("releases of app %s: release %d is not there", app, p.Current)
	}
	if t := w.tables.Of(app); t == nil || t.Release.Number != e.Number {
		release, err := w.releases.load(ctx, e.Manifest)
		if err != nil {
			return fmt.Errorf("release %d of app %s: %w", e.Number, app, err)
		}
		table := hooks.NewTable(release)
		w.tables.Set(table)
		if w.onChange != nil {
			w.onChange(table)
		}
	}
	w.loaded[app] = kept.Revision()
	return nil
}
