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
	// Records publishes what a dead executor's journal held, but not of the asks that are asked again: they are those of
	// the events of again, and will have records of their own.
	Records func(entries [][]byte, again map[string]bool)
	// Gone takes over what an executor has counted that is gone, and why it has died, one of [Reasons]; "": it has ended as
	// it was told. The memory is not there any more when it returns. Nil: nobody counts.
	Gone func(counts []byte, reason string)
	// StopWithin is how long executors may take to finish what they have in hand.
	StopWithin time.Duration
	Log        *slog.Logger
}

// StandIn answers for executors that have died. Its methods are called from several goroutines at once.
type StandIn interface {
	// Holds tells whoever waits for it that it is not lost.
	Holds(t *hooks.Taken)
	// Again has somebody else run what merely shared a process with what killed it.
	Again(t *hooks.Taken)
	// Crashed answers for the run that has killed its process, or had to be killed, and counts it against its hook.
	Crashed(t *hooks.Taken, why string)
	// Alone has the cell run it, and returns when it has, or when ctx ends.
	Alone(ctx context.Context, t *hooks.Taken) error
	// Shelter keeps what comes in while no executor is there, until ctx ends.
	Shelter(ctx context.Context)
}

// Supervisor starts executors, watches them, kills those that go wrong, replaces them, and sees to it that what they had
// in hand is answered.
type Supervisor struct {
	config Config
	clock  clock

	members  []*member
	custody  custody
	counted  counted
	suspects chan suspect
	spares   chan *process // one at most, warm
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
	s := &Supervisor{config: c, clock: now, suspects: make(chan suspect, maxSuspects), spares: make(chan *process)}
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
	cell.Go(func() { s.keepSpare(living) })
	cell.Go(func() { s.hold(living) })
	cell.Go(func() { s.shelter(ctx) })
	err := g.Wait()
	s.burials.Wait()
	end()
	cell.Wait()
	return err
}

// Ready is nil if at least one executor serves.
func (s *Supervisor) Ready(context.Context) error {
	if s.Serving() > 0 {
		return nil
	}
	return errors.New("no executor is ready yet")
}

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 5 * time.Second
	// maxStillborn is how many executors in a row may end before they are ready for the first time.
	maxStillborn = 5
)

// keep has one place filled until ctx ends. Only executors that never got ready are waited for longer and longer.
func (s *Supervisor) keep(ctx context.Context, m *member) error {
	runtime.LockOSThread() // executors die with the thread that started them
	defer runtime.UnlockOSThread()
	pause, stillborn := firstPause, 0
	for ctx.Err() == nil {
		p, err := s.fill(m)
		if err != nil {
			return err
		}
		s.live(ctx, m, p)
		if p.serves.Load() {
			pause, stillborn = firstPause, 0
			continue
		}
		if !p.death().outside() { // one that was killed says nothing of the next
			stillborn++
		}
		if stillborn >= maxStillborn && ctx.Err() == nil {
			return errors.New("executors end before they are ready; their log says why")
		}
		wait(ctx, pause)
		pause = min(2*pause, maxPause)
	}
	return nil
}

// fill returns an executor for a place: the spare one if there is any.
func (s *Supervisor) fill(m *member) (p *process, err error) {
	select {
	case p = <-s.spares:
	default:
		if p, err = start(s.config.Input(m.place), s.config.Slots, s.config.Output); err != nil {
			return nil, err
		}
	}
	p.serve()
	return p, nil
}

// keepSpare has an executor ready that takes the place of one that dies, which saves the time that it takes to start,
// until ctx ends.
func (s *Supervisor) keepSpare(ctx context.Context) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for pause := firstPause; ctx.Err() == nil; {
		if s.Ready(ctx) != nil { // those that serve come first
			wait(ctx, firstPause)
			continue
		}
		p, err := start(s.config.Input(0), s.config.Slots, s.config.Output)
		if err != nil {
			s.config.Log.Error("no spare executor", "error", err)
			wait(ctx, maxPause)
			continue
		}
		if s.offer(ctx, p) {
			pause = firstPause
			continue
		}
		wait(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

// offer hands the spare over to a place that needs it. It returns false if there is none any more.
func (s *Supervisor) offer(ctx context.Context, p *process) bool {
	for p.region.warm.Load() == 0 {
		select {
		case <-p.gone:
			_ = p.region.unmap() // it had nothing in hand
			return false
		case <-ctx.Done():
			p.end()
			return false
		case <-time.After(lookEvery):
		}
	}
	select {
	case s.spares <- p:
		return true
	case <-p.gone:
		_ = p.region.unmap() // likewise
	case <-ctx.Done():
		p.end()
	}
	return false
}

// live sees one executor through its life and, if it does not end by itself, to its burial.
func (s *Supervisor) live(ctx context.Context, m *member, p *process) {
	m.current.Store(p)
	s.counts(p)
	s.watch(ctx, p)
	m.current.Store(nil)
	s.burials.Go(func() { // meanwhile another takes its place
		s.bury(ctx, p)
		s.forget(p)
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
