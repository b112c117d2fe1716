//go:build unix

package executor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"gaff/hooks"
)

// Config says what executors a [Supervisor] keeps.
type Config struct {
	// Input tells the executor of a place, from 0, what to be. That of place Executors is the cell: it runs what it is
	// given by StandIn.Alone, one thing at a time.
	Input     func(place int) []byte
	Executors int       // at least 1
	Slots     int       // what one executor can have in hand at most
	Memory    uint64    // bytes that one executor may take for itself
	Output    io.Writer // where executors write their own log
	StandIn   StandIn
	Records   func(entries [][]byte) // publishes what a dead executor's journal held
	// StopWithin is how long executors may take to finish what they have in hand.
	StopWithin time.Duration
	Log        *slog.Logger
}

// StandIn answers for executors that have died. Its methods are called one at a time for one executor, but for several
// at once.
type StandIn interface {
	// Again has somebody else run what merely shared a process with what killed it.
	Again(t *hooks.Taken)
	// Crashed answers for the run that has killed its process, or had to be killed, and counts it against its hook.
	Crashed(t *hooks.Taken, why string)
	// Alone has the cell run it, and returns when it has, or when ctx ends.
	Alone(ctx context.Context, t *hooks.Taken) error
}

// Supervisor starts executors, watches them, kills those that go wrong, replaces them, and sees to it that what they had
// in hand is answered.
type Supervisor struct {
	config Config
	clock  clock

	members  []*member
	suspects chan suspect
	burials  sync.WaitGroup
}

// member is one place for an executor, and who is in it.
type member struct {
	place   int
	current atomic.Pointer[process]
}

// maxSuspects bounds what waits for the cell; what is past it is blamed on nobody and asked again elsewhere.
const maxSuspects = 1024

// New returns a supervisor; Run starts its executors.
func New(c Config) (*Supervisor, error) {
	now, err := newClock()
	if err != nil {
		return nil, err
	}
	s := &Supervisor{config: c, clock: now, suspects: make(chan suspect, maxSuspects)}
	for i := range c.Executors + 1 {
		s.members = append(s.members, &member{place: i})
	}
	return s, nil
}

// Run keeps the executors until ctx ends; then it has them finish what they have in hand, and returns when they are
// gone. An executor that cannot be started, time and again, is an error.
func (s *Supervisor) Run(ctx context.Context) error {
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var g errgroup.Group
	for _, m := range s.members[:s.config.Executors] {
		g.Go(func() error { return s.keep(ctx, m) })
	}
	var cell sync.WaitGroup
	cell.Go(func() { s.judgeAlone(living) })
	err := g.Wait()
	s.burials.Wait()
	end()
	cell.Wait()
	return err
}

// Ready is nil if at least one executor serves.
func (s *Supervisor) Ready(context.Context) error {
	for _, m := range s.members[:s.config.Executors] {
		if p := m.current.Load(); p != nil && p.serves.Load() {
			return nil
		}
	}
	return errors.New("no executor is ready yet")
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
	// settled is how long an executor must have lived for the next one to be started at once.
	settled = 5 * time.Second
	// maxStillborn is how many executors in a row may end before they are ready for the first time.
	maxStillborn = 5
)

// keep has one place filled until ctx ends.
func (s *Supervisor) keep(ctx context.Context, m *member) error {
	runtime.LockOSThread() // executors die with the thread that started them
	defer runtime.UnlockOSThread()
	pause, stillborn := firstPause, 0
	for ctx.Err() == nil {
		p, err := start(s.config.Input(m.place), s.config.Slots, s.config.Output)
		if err != nil {
			return err
		}
		s.live(ctx, m, p)
		if p.serves.Load() {
			stillborn = 0
		} else if stillborn++; stillborn >= maxStillborn && ctx.Err() == nil {
			return errors.New("executors end before they are ready; their log says why")
		}
		if time.Since(p.started) > settled {
			pause = firstPause
			continue
		}
		wait(ctx, pause)
		pause = min(2*pause, maxPause)
	}
	return nil
}

// live sees one executor through its life and, if it does not end by itself, to its burial.
func (s *Supervisor) live(ctx context.Context, m *member, p *process) {
	m.current.Store(p)
	gone := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() { s.watch(ctx, p, gone) })
	state := p.wait()
	close(gone)
	watcher.Wait()
	m.current.Store(nil)
	s.burials.Go(func() { // meanwhile another is started
		s.bury(ctx, p, state)
		_ = p.region.unmap() // there is nothing in it any more
	})
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
