package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// payload is what a task carries besides its id and type.
type payload struct {
	Cron    string          `json:"cron"`
	Manual  bool            `json:"manual,omitempty"` // somebody wanted it, not the clock
	Message json.RawMessage `json:"message,omitempty"`
}

// taskType names the job: app:job. Neither name can have a colon.
func taskType(app, job string) string { return app + ":" + job }

// taskID names one tick of the job.
func taskID(taskType string, tick time.Time) string {
	return taskType + ":" + tick.UTC().Format(time.RFC3339)
}

// jobInfo is the event's job, as scripts see it.
type jobInfo struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Cron        string `json:"cron"`
	ScheduledAt string `json:"scheduledAt"` // RFC 3339
	Attempt     int    `json:"attempt"`
	Manual      bool   `json:"manual"`
}

// eventOf reads a task back as the event of its tick.
func eventOf(id, taskType string, body []byte, attempt int) (*hooks.Event, error) {
	app, job, ok := strings.Cut(taskType, ":")
	if !ok || !hooks.ValidName(app) || !hooks.ValidName(job) {
		return nil, fmt.Errorf("task type %.100q is not app:job", taskType)
	}
	at, ok := strings.CutPrefix(id, taskType+":")
	if !ok {
		return nil, fmt.Errorf("task id %.100q is not app:job:tick", id)
	}
	if _, err := time.Parse(time.RFC3339, at); err != nil {
		return nil, fmt.Errorf("task id %.100q has no tick: %w", id, err)
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("task %s: payload: %w", id, err)
	}
	info, err := json.Marshal(jobInfo{ID: id, Name: job, Cron: p.Cron, ScheduledAt: at, Attempt: attempt, Manual: p.Manual})
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", id, err)
	}
	return &hooks.Event{
		App: app, Operation: job, Phase: hooks.Tick, Attempt: attempt,
		Payload: hooks.Payload{ID: id, Message: p.Message, Job: info},
	}, nil
}

// received is [eventOf] for a task that asynq hands over in ctx.
func received(ctx context.Context, t *asynq.Task) (*hooks.Event, error) {
	retries, _ := asynq.GetRetryCount(ctx)
	id, _ := asynq.GetTaskID(ctx)
	return eventOf(id, t.Type(), t.Payload(), retries+1)
}
