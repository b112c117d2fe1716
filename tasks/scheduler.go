package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"gaff/hooks"
)

const (
	// syncInterval is how often the jobs are compared with those of the current releases, and the clock is looked at
	// while nothing is due.
	syncInterval = time.Second
	// kept is how long, beyond the next tick, Redis remembers that a tick had its task. It bounds how far the clocks of
	// two schedulers may be apart.
	kept = 10 * time.Minute
	// goneAfter is how long a scheduler may not get to run, as on a machine that sleeps, until it counts as not there.
	goneAfter = 30 * time.Second
	// lateAfter is how late a tick may be taken without a look whether others have taken it long ago.
	lateAfter = 30 * time.Second
	// atOnce is how many tasks are enqueued at the same time, and how many ticks of one job in one round.
	atOnce   = 16
	perRound = 500
)

// Scheduler enqueues one task for each tick of each job. Several of them on one Redis make one task together.
type Scheduler struct {
	queue  *Queue
	memory memory
	tables *hooks.Tables
	log    *slog.Logger

	seen    map[string]*hooks.Table // that the entries were made from
	entries map[string]*entry
	stale   []string // jobs to be forgotten
	fresh   bool     // nothing has been compared with what is remembered yet
	alive   time.Time
	looked  time.Time
	away    bool // Redis

	now func() time.Time
}

// NewScheduler returns a scheduler of the jobs in tables, which it follows within a second.
func NewScheduler(redis Redis, tables *hooks.Tables, log *slog.Logger) *Scheduler {
	queue := NewQueue(redis)
	return &Scheduler{queue: queue, memory: memory{queue}, tables: tables, log: log, fresh: true, entries: map[string]*entry{}, now: time.Now}
}

// Run schedules until ctx is cancelled. It is called once, when the tables are loaded: what is not in them then is not
// a job. It fails at once if Redis does not answer; one that goes away later is waited for, and ticks of that time are
// enqueued late, as the job's missed says.
func (s *Scheduler) Run(ctx context.Context) error {
	defer s.queue.Close()
	if err := s.queue.redis.Ping(ctx); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		timer.Reset(s.round(ctx))
	}
}

// round does what is due, and returns how long there is nothing to do.
func (s *Scheduler) round(ctx context.Context) time.Duration {
	now := s.now().Round(0) // by the clock, which goes on while a machine is suspended
	if s.looked.IsZero() || now.Sub(s.looked) > goneAfter || now.Before(s.looked) {
		s.alive = now
	}
	s.sync(now)
	err := s.recall(ctx)
	if err == nil {
		err = s.enqueue(ctx, now)
	}
	s.tell(ctx, err)
	s.looked = s.now().Round(0)
	if err != nil {
		return syncInterval
	}
	return s.pause(s.looked)
}

// pause is how long until the next tick, but not longer than until the next comparison.
func (s *Scheduler) pause(now time.Time) time.Duration {
	wait := syncInterval
	for _, e := range s.entries {
		if next := e.clock.next(); e.known && !next.IsZero() {
			wait = min(wait, next.Sub(now))
		}
	}
	return max(wait, 0)
}

// sync takes in which jobs there are by now.
func (s *Scheduler) sync(now time.Time) {
	tables := s.tables.All()
	if s.seen != nil && maps.Equal(tables, s.seen) {
		return
	}
	entries := map[string]*entry{}
	for app, table := range tables {
		for i := range table.Release.Jobs {
			job := &table.Release.Jobs[i]
			if table.Job(job.Name) == nil || job.Schedule == hooks.Manual {
				continue
			}
			e, err := s.entry(app, job, now)
			if err != nil {
				s.log.Error("a job cannot be scheduled", "app", app, "job", job.Name, "error", err)
				continue
			}
			entries[e.key()] = e
		}
	}
	for key := range s.entries {
		if entries[key] == nil {
			s.stale = append(s.stale, key)
		}
	}
	s.entries, s.seen = entries, maps.Clone(tables)
}

// entry returns the entry of a job: the one that there is, unless its schedule has changed.
func (s *Scheduler) entry(app string, job *hooks.Job, now time.Time) (*entry, error) {
	e := &entry{app: app, job: job, text: job.Timezone + " " + job.Schedule}
	if there := s.entries[e.key()]; there != nil && there.text == e.text {
		there.job, there.clock.missed = job, job.Missed
		return there, nil
	}
	schedule, err := hooks.ParseSchedule(job.Schedule, job.Timezone)
	e.clock = clock{schedule: schedule, missed: job.Missed, last: now}
	e.alive = now
	return e, err
}

// recall finds out what the last ticks of new jobs were, and forgets jobs that are gone: those that come again begin
// anew.
func (s *Scheduler) recall(ctx context.Context) error {
	if s.fresh {
		known, err := s.memory.jobs(ctx)
		if err != nil {
			return err
		}
		for _, key := range known {
			if s.entries[key] == nil {
				s.stale = append(s.stale, key)
			}
		}
		s.fresh = false
	}
	s.stale = slices.DeleteFunc(s.stale, func(key string) bool { return s.entries[key] != nil && s.entries[key].known })
	if err := s.memory.forget(ctx, s.stale...); err != nil {
		return err
	}
	s.stale = nil
	var unknown []*entry
	for _, e := range s.entries {
		if !e.known {
			unknown = append(unknown, e)
		}
	}
	if err := s.memory.remember(ctx, unknown, false); err != nil {
		return err
	}
	for _, e := range unknown {
		e.known = true
	}
	return nil
}

// enqueue makes the tasks of all ticks that are due.
func (s *Scheduler) enqueue(ctx context.Context, now time.Time) error {
	due, err := s.due(ctx, now)
	if err != nil {
		return err
	}
	var failed atomic.Pointer[error]
	inParallel(due, func(e *entry) {
		for _, tick := range e.ticks {
			if ctx.Err() != nil || failed.Load() != nil {
				return
			}
			if err := s.put(ctx, e, tick); err != nil {
				failed.Store(&err)
				return
			}
			e.clock.last = tick
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	return s.memory.remember(context.WithoutCancel(ctx), due, true)
}

// due lists the jobs that have ticks which need a task. Of ticks that come late, others may have made the tasks, so long
// ago that their ids are forgotten; what is remembered of them is not.
func (s *Scheduler) due(ctx context.Context, now time.Time) ([]*entry, error) {
	var due, late []*entry
	for _, e := range s.entries {
		if next := e.clock.next(); next.IsZero() || next.After(now) {
			continue
		}
		due = append(due, e)
		if now.Sub(e.clock.next()) > lateAfter {
			late = append(late, e)
		}
	}
	if err := s.memory.remember(ctx, late, false); err != nil {
		return nil, err
	}
	for _, e := range due {
		lost := 0
		if e.there = s.alive; e.alive.After(e.there) {
			e.there = e.alive
		}
		before := e.clock.last
		if e.ticks, lost = e.clock.due(now, e.there, perRound); lost > 0 {
			s.log.Error("too many ticks were missed: the oldest are given up", "app", e.app, "job", e.job.Name, "given up", lost)
		}
		if s.away && len(e.ticks) > 0 && e.clock.missed != hooks.MissedAll && e.ticks[0].After(e.clock.schedule.Next(before)) {
			s.log.Warn("ticks are passed over: Redis was away when they were due", "app", e.app, "job", e.job.Name, "until", e.ticks[0])
		}
	}
	return due, nil
}

// tell says when Redis goes away, and when it is back.
func (s *Scheduler) tell(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err != nil && !s.away:
		s.away = true
		s.log.Warn("ticks wait for Redis", "error", err)
	case err == nil && s.away:
		s.away = false
		s.log.Warn("Redis is back: ticks go on")
	}
}
