package tasks

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// fieldPassed is a field of asynq's own hash of a task: how often it was put back for another server.
	fieldPassed = "gaff:passed"
	// passesAtOnce is how often a task is put back without delay. Past it, those that would run it have no room.
	passesAtOnce = 50
	// passedFor is how long it waits then.
	passedFor = time.Second
	// unservedFor is how long a task waits whose app nobody serves, before the next look.
	unservedFor = 5 * time.Second
)

// pass puts a task of an app that this server does not serve back, for one that does. It is claimed by nobody before, and so
// runs once.
func (h *taskHandler) pass(ctx context.Context, w *work) error {
	if !h.opts.Served(ctx, w.app) {
		return &again{error: errors.New("no worker runs the jobs of the app"), after: unservedFor}
	}
	n, err := h.queue.passed(ctx, w.id)
	switch {
	case err != nil:
		return &again{error: err, after: passedFor}
	case n > passesAtOnce:
		return &again{error: errors.New("the workers that run the jobs of the app are busy"), after: passedFor}
	}
	return &again{error: errors.New("another worker runs the jobs of the app")}
}

// passedScript counts how often a task was put back.
//
//	KEYS[1] the task, as asynq keeps it
func passedScript() *redis.Script {
	return redis.NewScript(`
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
return redis.call("HINCRBY", KEYS[1], "` + fieldPassed + `", 1)`)
}

// passed counts that a task is put back, and returns how often it was.
func (q *Queue) passed(ctx context.Context, id string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	return passedScript().Run(ctx, q.client, []string{q.redis.taskKey(id)}).Int()
}
