package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// Every process that runs tasks extends their leases each 5 s; asynq has no option for that.
const (
	// orphanLook is how often leases are looked at.
	orphanLook = 2500 * time.Millisecond
	// orphanAfter is how long a lease stays as it is until its process counts as dead: three extensions are missing.
	orphanAfter = 16 * time.Second
)

// orphans are active tasks of processes that may have died: by id, the lease as it was seen, and since when. It counts
// only time in which Redis could be asked without a break: while it could not, nobody could extend a lease either.
type orphans struct {
	queue *Queue
	log   *slog.Logger
	seen  map[string]sighting
}

type sighting struct {
	lease string
	since time.Time
}

// watch gives the tasks of the dead back until ctx ends.
func (o *orphans) watch(ctx context.Context) {
	tick := time.NewTicker(orphanLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := o.look(ctx, time.Now()); err != nil {
			o.seen = nil
			if ctx.Err() == nil {
				o.log.Debug("leases of tasks cannot be seen", "error", err)
			}
		}
	}
}

// look takes note of the leases there are, and gives back the tasks whose lease has stayed the same for too long.
func (o *orphans) look(ctx context.Context, now time.Time) error {
	leases, err := o.queue.leases(ctx)
	if err != nil {
		return err
	}
	seen := make(map[string]sighting, len(leases))
	for id, lease := range leases {
		s, known := o.seen[id]
		if !known || s.lease != lease {
			s = sighting{lease, now}
		}
		if seen[id] = s; now.Sub(s.since) < orphanAfter {
			continue
		}
		given, err := o.queue.giveBack(ctx, id, lease, false)
		if err != nil {
			return err
		}
		if given {
			o.log.Warn("a task runs again: the worker that ran it is gone", "task", id)
		}
		delete(seen, id)
	}
	o.seen = seen
	return nil
}

// leases are those of all active tasks.
func (q *Queue) leases(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	list, err := q.client.ZRangeWithScores(ctx, q.asynqKey("lease"), 0, -1).Result()
	if err != nil {
		return nil, fmt.Errorf("leases: %w", err)
	}
	leases := make(map[string]string, len(list))
	for _, z := range list {
		if id, ok := z.Member.(string); ok {
			leases[id] = strconv.FormatInt(int64(z.Score), 10)
		}
	}
	return leases, nil
}
