package process

import (
	"context"
	"errors"
	"sync"
)

// live tells how far the tables have come.
type live struct {
	mu      sync.Mutex
	loaded  bool          // what was there at the start
	changed chan struct{} // closed at the next change
}

func newLive() *live { return &live{changed: make(chan struct{})} }

// done notes that everything that was there at the start is loaded.
func (l *live) done() {
	l.mu.Lock()
	l.loaded = true
	l.mu.Unlock()
	l.tell()
}

// tell wakes those who wait.
func (l *live) tell() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *live) now() (loaded bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loaded, l.changed
}

// loaded is nil once the releases that were there at the start are loaded.
func (p *Parts) loaded() error {
	if loaded, _ := p.live.now(); !loaded {
		return errors.New("not loaded yet")
	}
	return nil
}

// Live waits until the releases that were there at the start are loaded and, if release is not 0, until that one or a
// later one of the app is in use.
func (p *Parts) Live(ctx context.Context, app string, release uint64) error {
	for {
		loaded, changed := p.live.now()
		table := p.Tables.Of(app)
		if loaded && (release == 0 || table != nil && table.Release.Number >= release) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
