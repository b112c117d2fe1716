package tasks

import (
	"context"
	"errors"
	"hash/fnv"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// entry is what a scheduler keeps of one job.
type entry struct {
	app   string
	job   *hooks.Job
	text  string // the schedule with its time zone
	clock clock
	alive time.Time // when the scheduler came to know the job
	there time.Time // since when a scheduler has been there for the job without a break, as of the last round
	known bool      // what is remembered of it has been compared
	ticks []time.Time
}

// key names the job among those of all apps.
func (e *entry) key() string { return taskType(e.app, e.job.Name) }

// madeUpAfter is how late a tick of a job that misses none waits for the run before it, rather than be passed over for it.
const madeUpAfter = 2 * time.Second

// put makes the task of a tick. That another scheduler was first is fine.
func (s *Scheduler) put(ctx context.Context, e *entry, tick time.Time) error {
	id := tickID(e.app, e.job.Name, tick)
	retention := kept
	if next := e.clock.schedule.Next(tick); !next.IsZero() {
		retention += next.Sub(tick)
	}
	more := []asynq.Option{asynq.Retention(retention)}
	if at := tick.Add(delayOf(id, e.job.Jitter)); at.After(time.Now()) {
		more = append(more, asynq.ProcessAt(at))
	}
	now := time.Now().UTC()
	p := payload{Cron: e.job.Schedule, At: tick.UTC(), Created: now, Late: e.job.Missed == hooks.MissedAll && (tick.Before(e.there) || now.Sub(tick) > madeUpAfter)}
	err := s.queue.put(ctx, id, e.app, e.job.Name, p, more...)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		return nil
	}
	return err
}

// delayOf is how much later than its tick a task runs: the same for every scheduler.
func delayOf(id string, jitter time.Duration) time.Duration {
	seconds := uint64(jitter / time.Second)
	if seconds == 0 {
		return 0
	}
	hash := fnv.New64a()
	hash.Write([]byte(id))
	return time.Duration(hash.Sum64()%seconds) * time.Second
}

// inParallel calls f with each of the entries, a few at a time.
func inParallel(entries []*entry, f func(*entry)) {
	next := make(chan *entry)
	var workers sync.WaitGroup
	for range min(atOnce, len(entries)) {
		workers.Go(func() {
			for e := range next {
				f(e)
			}
		})
	}
	for _, e := range entries {
		next <- e
	}
	close(next)
	workers.Wait()
}
