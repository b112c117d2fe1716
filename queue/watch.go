package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// Watch keeps tables at the current release, the canary, the state and the secrets of every app until ctx ends. It calls
// ready once, when everything there is has been loaded, and onChange after each table it has set; both may be nil, and
// hold up further changes until they return. A release that cannot be loaded leaves the one before in place and is tried
// again.
//
// A change arrives in milliseconds; if the watch fails, no later than the connection is back, or after 30 s.
func (r *Releases) Watch(ctx context.Context, tables *hooks.Tables, onChange func(*hooks.Table), ready func()) error {
	w := &watch{releases: r, tables: tables, onChange: onChange, ready: ready, apps: map[string]*watched{}, changed: map[string]bool{}}
	f := &follower{
		conn: r.conn, what: "releases", take: w.take, gone: w.gone, settle: w.settle,
		sources: []source{
			{r.conn.kv, []string{pointerPrefix + "*", statePrefix + "*"}},
			{r.conn.secrets, []string{jetstream.AllKeys}},
		},
	}
	var background sync.WaitGroup
	defer background.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	background.Go(func() { r.keepSwept(ctx) })
	return f.run(ctx)
}

// watch keeps tables current.
type watch struct {
	releases *Releases
	tables   *hooks.Tables
	onChange func(*hooks.Table)
	ready    func()
	apps     map[string]*watched
	changed  map[string]bool // apps whose table is out of date
}

// take notes what a key holds.
func (w *watch) take(kept jetstream.KeyValueEntry) {
	if err := w.read(kept); err != nil {
		w.releases.conn.log.Error("releases: what is kept cannot be read and is ignored", "key", kept.Key(), "error", err)
	}
}

func (w *watch) read(kept jetstream.KeyValueEntry) error {
	a, kind, name := w.at(kept.Bucket(), kept.Key())
	switch kind {
	case kindPointer:
		var p pointer
		if err := json.Unmarshal(kept.Value(), &p); err != nil {
			return err
		}
		a.pointer = p
	case kindState:
		var s hooks.State
		if err := json.Unmarshal(kept.Value(), &s); err != nil {
			return err
		}
		a.state = s
	case kindSecret:
		a.secrets[name] = kept.Value()
	}
	return nil
}

// gone notes that a key is not there any more.
func (w *watch) gone(bucket, key string) {
	a, kind, name := w.at(bucket, key)
	switch kind {
	case kindPointer:
		a.pointer = pointer{}
	case kindState:
		a.state = hooks.State{}
	case kindSecret:
		delete(a.secrets, name)
	}
}

const (
	kindPointer = iota
	kindState
	kindSecret
)

// at says which part of which app a key is, and notes that the app has changed.
func (w *watch) at(bucket, key string) (a *watched, kind int, name string) {
	first, rest, _ := strings.Cut(key, ".")
	app := rest
	switch {
	case bucket == w.releases.conn.kept("SECRETS"):
		app, kind, name = first, kindSecret, rest
	case first+"." == statePrefix:
		kind = kindState
	}
	a = w.apps[app]
	if a == nil {
		a = &watched{app: app, secrets: map[string][]byte{}}
		w.apps[app] = a
	}
	w.changed[app] = true
	return a, kind, name
}

// appsAtOnce is how many apps are loaded at the same time.
const appsAtOnce = 8

// settle builds the tables of the apps that have changed.
func (w *watch) settle(ctx context.Context) error {
	if len(w.changed) > 0 {
		if err := w.rebuild(ctx); err != nil {
			return err
		}
	}
	if w.ready != nil {
		w.ready()
		w.ready = nil
	}
	return nil
}

// rebuild loads what is needed for several apps at once, then sets one table after the other.
func (w *watch) rebuild(ctx context.Context) error {
	places := make(chan struct{}, appsAtOnce)
	built := make(chan outcome)
	for app := range w.changed {
		a := w.apps[app]
		go func() {
			places <- struct{}{}
			table, err := a.build(ctx, w.releases, w.tables.Of(a.app))
			<-places
			built <- outcome{a, table, err}
		}()
	}
	var failed error
	for range len(w.changed) {
		o := <-built
		if o.err != nil {
			failed = errors.Join(failed, fmt.Errorf("app %s: %w", o.of.app, o.err))
			continue
		}
		delete(w.changed, o.of.app)
		w.set(o.of, o.table)
	}
	return failed
}

// outcome is what has become of building an app's table.
type outcome struct {
	of    *watched
	table *hooks.Table // nil: the app has no release
	err   error
}

func (w *watch) set(a *watched, table *hooks.Table) {
	if table == nil {
		w.tables.Remove(a.app)
		if len(a.secrets) == 0 {
			delete(w.apps, a.app)
		}
		return
	}
	w.tables.Set(table)
	if w.onChange != nil {
		w.onChange(table)
	}
}
