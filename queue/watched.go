package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gaff/hooks"
)

// watched is what a watch knows of one app.
type watched struct {
	app     string
	pointer pointer
	state   hooks.State
	secrets map[string][]byte // encrypted, by name

	loaded map[string]loaded // by manifest: the releases that serve
}

// loaded is a release in memory.
type loaded struct {
	release *hooks.Release
	files   map[string]string // source by hash
}

// build makes the app's table; nil if it has no release. previous is the one that serves.
func (a *watched) build(ctx context.Context, r *Releases, previous *hooks.Table) (*hooks.Table, error) {
	if a.pointer.Current == 0 {
		a.loaded = nil
		return nil, nil
	}
	next := map[string]loaded{}
	current, err := a.load(ctx, r, a.pointer.Current, next)
	if err != nil {
		return nil, err
	}
	s := hooks.Source{Release: current, State: a.state, Secrets: a.open(r), Previous: previous}
	if c := a.pointer.Canary; c != nil {
		release, err := a.load(ctx, r, c.Release, next)
		if err != nil {
			return nil, err
		}
		s.Percent = c.Percent
		s.Canary = hooks.Source{Release: release, State: a.state, Secrets: s.Secrets, Previous: previous}.Table()
	}
	a.loaded = next
	table := s.Table()
	for _, t := range []*hooks.Table{table, table.Canary} {
		if t != nil && len(t.Missing) > 0 {
			r.conn.log.Error("hooks fail until the secrets that they need can be read", "app", a.app,
				"release", t.Release.Number, "secrets", t.Missing)
		}
	}
	return table, nil
}

// load returns a release of the app, and keeps it in next. Files that a release in memory has too are not read again.
func (a *watched) load(ctx context.Context, r *Releases, number uint64, next map[string]loaded) (*hooks.Release, error) {
	e, ok := a.pointer.find(number)
	if !ok {
		return nil, fmt.Errorf("release %d is not there", number)
	}
	if l, ok := a.loaded[e.Manifest]; ok {
		next[e.Manifest] = l
		return l.release, nil
	}
	have := map[string]string{}
	for _, l := range a.loaded {
		maps.Copy(have, l.files)
	}
	release, err := r.load(ctx, e.Manifest, have)
	if err != nil {
		return nil, fmt.Errorf("release %d: %w", number, err)
	}
	l := loaded{release, make(map[string]string, len(release.Files))}
	for _, source := range release.Files {
		l.files[hashOf(source)] = source
	}
	next[e.Manifest] = l
	return release, nil
}

// open decrypts the app's secrets. One that cannot be is told of, and missing.
func (a *watched) open(r *Releases) map[string]string {
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(a.secrets)) {
		value, err := r.conn.config.Vault.Open(a.app, name, a.secrets[name])
		if err != nil {
			r.conn.log.Warn("a secret cannot be read", "app", a.app, "secret", name, "error", err)
			continue
		}
		values[name] = value
	}
	return values
}
