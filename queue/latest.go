package queue

import (
	"context"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"

	"gaff/hooks"
)

// Latest makes sure that a process does not let a call go by because it has yet to hear of the release that has a hook for
// it. Releases reach all processes in milliseconds, but not all of them at once. It is safe for concurrent use; a process
// needs one.
type Latest struct {
	releases *Releases
	tables   *hooks.Tables
	looks    singleflight.Group
	places   chan struct{}
}

// NewLatest returns what compares tables, which [Releases.Watch] keeps, with what is registered.
func NewLatest(releases *Releases, tables *hooks.Tables) *Latest {
	return &Latest{releases: releases, tables: tables, places: make(chan struct{}, looksAtOnce)}
}

const (
	// looksAtOnce is how many apps are looked up at the same time.
	looksAtOnce = 8
	// latestTimeout bounds how long what was sent waits for a release, latestAgain is after what time an event is tried again.
	latestTimeout = 2 * time.Second
	latestAgain   = 500 * time.Millisecond
	// latestPause is how long to wait between two looks at the table.
	latestPause = time.Millisecond
)

// await returns at once if there is a hook for what was sent here. Otherwise whoever sent it may know of one: then it
// returns when the app's table is that of the release that is registered now. It returns false if that is not so in time:
// nobody knows then whether there is a hook.
func (l *Latest) await(ctx context.Context, e *hooks.Event, asked bool) bool {
	if l == nil || l.tables.Of(e.App).Has(e, asked) {
		return true
	}
	defer e.Place.Park()()
	return l.current(ctx, e.App)
}

// awaitRelease returns at once if the app's table is that of a release; number is as a caller has sent it, empty if it has
// not. Otherwise it is as await.
func (l *Latest) awaitRelease(ctx context.Context, app, number string) bool {
	if l == nil || number == "" {
		return true
	}
	if t := l.tables.Of(app); t != nil && strconv.FormatUint(t.Release.Number, 10) == number {
		return true
	}
	return l.current(ctx, app)
}

// current returns once the app's table is that of the release that is registered now; false: it is not in time.
func (l *Latest) current(ctx context.Context, app string) bool {
	ctx, cancel := context.WithTimeout(ctx, latestTimeout)
	defer cancel()
	registered, err := l.look(ctx, app)
	if err != nil {
		l.releases.conn.log.Warn("it cannot be found out whether there is a newer release", "app", app, "error", err)
		return false
	}
	for !registered.serves(l.tables.Of(app)) {
		if !pause(ctx, latestPause) {
			return false
		}
	}
	return true
}

// look reads the app's pointer. Those who ask while others wait to read share one reading, which begins after they asked.
func (l *Latest) look(ctx context.Context, app string) (pointer, error) {
	read := l.looks.DoChan(app, func() (any, error) {
		l.places <- struct{}{}
		defer func() { <-l.places }()
		l.looks.Forget(app)                                                           // who asks from now on may know more
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), latestTimeout) // others may need it longer
		defer cancel()
		p, _, err := l.releases.pointer(ctx, app)
		return p, err
	})
	select {
	case r := <-read:
		p, _ := r.Val.(pointer)
		return p, r.Err
	case <-ctx.Done():
		return pointer{}, ctx.Err()
	}
}

// serves reports whether a table is of the releases that the pointer names.
func (p *pointer) serves(t *hooks.Table) bool {
	if t == nil {
		return p.Current == 0
	}
	if t.Release.Number != p.Current || (t.Canary == nil) != (p.Canary == nil) {
		return false
	}
	return p.Canary == nil || t.Canary.Release.Number == p.Canary.Release && t.Percent == p.Canary.Percent
}

// behindRelease is what a worker says that could not find out what is registered for a call.
func behindRelease(app string) *hooks.Error {
	return hooks.Errorf(hooks.CodeUnavailable, "the worker has yet to load the current release of app %s; try again", app)
}
