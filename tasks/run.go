package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// Run has a job run once, as soon as a server takes the task, whatever its schedule says. It returns the id of the
// event.
func Run(ctx context.Context, redis Redis, app string, job *hooks.Job) (string, error) {
	body, err := json.Marshal(payload{Cron: job.Schedule, Manual: true})
	if err != nil {
		return "", fmt.Errorf("run job %s: %w", job.Name, err)
	}
	client := asynq.NewClient(redis.opt)
	defer client.Close()
	key := taskType(app, job.Name)
	id := key + ":" + time.Now().UTC().Format(time.RFC3339Nano)
	_, err = client.EnqueueContext(ctx, asynq.NewTask(key, body), asynq.TaskID(id), asynq.Retention(kept),
		asynq.Queue(redis.queue()), asynq.MaxRetry(0), asynq.Timeout(taskTimeout))
	if err != nil {
		return "", hooks.Errorf(hooks.CodeUnavailable, "the job could not be started").Because(err)
	}
	return id, nil
}
