package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"gaff/hooks"
)

// Queue is what waits, runs and has failed of the tasks of all apps. It is safe for concurrent use.
type Queue struct {
	redis     Redis
	client    redis.UniversalClient
	enqueuer  *asynq.Client
	inspector *asynq.Inspector
}

// NewQueue returns the queue on a Redis, which it connects to when it is first used.
func NewQueue(r Redis) *Queue {
	client := r.impatient()
	return &Queue{redis: r, client: client, enqueuer: asynq.NewClientFromRedisClient(client), inspector: asynq.NewInspectorFromRedisClient(client)}
}

// Close ends its connections.
func (q *Queue) Close() error { return q.client.Close() }

const (
	// redisWithin is how long one command may take.
	redisWithin = 5 * time.Second
	// keptID is how long the id of an order is remembered after its task has run.
	keptID = 24 * time.Hour
	// taskTimeout is when asynq gives a task up. It is past what a run may take, so that the run's own limit decides.
	taskTimeout = hooks.MaxTimeout + 10*time.Second
)

// options are those of every task. How often one is tried again is decided by its handler.
func (q *Queue) options(id string, more ...asynq.Option) []asynq.Option {
	return append([]asynq.Option{
		asynq.TaskID(id), asynq.Queue(q.redis.queue()), asynq.MaxRetry(math.MaxInt32), asynq.Timeout(taskTimeout),
	}, more...)
}

// put enqueues a task.
func (q *Queue) put(ctx context.Context, id, app, job string, p payload, more ...asynq.Option) error {
	body, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("task %s: %w", id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, redisWithin)
	defer cancel()
	_, err = q.enqueuer.EnqueueContext(ctx, asynq.NewTask(taskType(app, job), body), q.options(id, more...)...)
	return err
}

// Run has a job run once, as soon as a server takes the task, whatever its schedule says. It returns the id of the
// event.
func (q *Queue) Run(ctx context.Context, app string, job *hooks.Job) (string, error) {
	now := time.Now().UTC()
	id := tickID(app, job.Name, now)
	err := q.put(ctx, id, app, job.Name, payload{Cron: job.Schedule, At: now, Created: now, Manual: true}, asynq.Retention(kept))
	if err != nil {
		return "", unreachable(err)
	}
	return id, nil
}

// Enqueue makes a task of an order and returns its id. existing reports that there was one of that id already, which
// stays as it is.
func (q *Queue) Enqueue(ctx context.Context, o hooks.TaskOrder) (id string, existing bool, err error) {
	now := time.Now().UTC()
	if err := o.Check(now); err != nil {
		return "", false, err
	}
	p := payload{Cron: o.Cron, At: now, Created: now, Manual: true, Script: o.Script, Trace: o.Trace, Message: o.Payload}
	var more []asynq.Option
	if o.At.After(now) {
		p.At = o.At.UTC()
		more = append(more, asynq.ProcessAt(o.At))
	}
	if id = o.ID; id == "" {
		id = hooks.NewTaskID()
	} else {
		more = append(more, asynq.Retention(keptID))
	}
	full := fullID(o.App, id)
	err = q.put(ctx, full, o.App, o.Job, p, more...)
	if errors.Is(err, asynq.ErrTaskIDConflict) {
		if info, known := q.inspector.GetTaskInfo(q.redis.queue(), full); known != nil || info.State != asynq.TaskStateArchived {
			return id, true, nil
		}
		if err = q.inspector.DeleteTask(q.redis.queue(), full); err == nil {
			err = q.put(ctx, full, o.App, o.Job, p, more...)
		}
	}
	if err != nil {
		return "", false, unreachable(err)
	}
	return id, false, nil
}

func unreachable(err error) error {
	return hooks.Errorf(hooks.CodeUnavailable, "the queue of jobs cannot be reached").Because(err)
}
