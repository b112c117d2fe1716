package tasks

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// payload is what a task carries besides its id and type.
type payload struct {
	Cron    string          `json:"cron,omitempty"`
	At      time.Time       `json:"at"`               // when it is to run: the tick
	Created time.Time       `json:"created"`          // when it was asked for
	Manual  bool            `json:"manual,omitempty"` // somebody wanted it, not the clock
	Late    bool            `json:"late,omitempty"`   // the tick is made up for: it waits its turn
	Script  string          `json:"script,omitempty"` // of a script that runs by itself
	Trace   string          `json:"traceparent,omitempty"`
	Message json.RawMessage `json:"message,omitempty"`
}

// taskType names the job: app:job. Neither name can have a colon.
func taskType(app, job string) string { return app + ":" + job }

// tickID names one tick of the job.
func tickID(app, job string, tick time.Time) string {
	return taskType(app, job) + ":" + tick.UTC().Format(time.RFC3339Nano)
}

// fullID is the id by which asynq knows a task of the app, and publicID the one by which everybody else does: those of
// ticks are the same, the others lack the app there.
func fullID(app, id string) string {
	if strings.HasPrefix(id, app+":") {
		return id
	}
	return app + ":" + id
}

func publicID(app, id string) string {
	if rest, ok := strings.CutPrefix(id, app+":"); ok && !strings.Contains(rest, ":") {
		return rest
	}
	return id
}

// jobInfo is the event's job, as scripts see it.
type jobInfo struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Cron        string `json:"cron"`
	ScheduledAt string `json:"scheduledAt"` // RFC 3339
	Attempt     int    `json:"attempt"`
	Manual      bool   `json:"manual"`
	Script      string `json:"script,omitempty"`
}

// work is a task read back.
type work struct {
	payload
	id       string // asynq's
	app, job string
}

func readWork(id, taskType string, body []byte) (*work, error) {
	w := &work{id: id}
	var ok bool
	w.app, w.job, ok = strings.Cut(taskType, ":")
	if !ok || !hooks.ValidName(w.app) || !hooks.ValidName(w.job) {
		return nil, fmt.Errorf("task type %.100q is not app:job", taskType)
	}
	if !strings.HasPrefix(id, w.app+":") {
		return nil, fmt.Errorf("task id %.100q is not of app %s", id, w.app)
	}
	if err := json.Unmarshal(body, &w.payload); err != nil {
		return nil, fmt.Errorf("task %.200s: payload: %w", id, err)
	}
	if w.At.IsZero() {
		return nil, fmt.Errorf("task %.200s does not say when it is to run", id)
	}
	return w, nil
}

// isTick reports whether the clock asked for the task.
func (w *work) isTick() bool { return !w.Manual }

// event is the event that the task is run as.
func (w *work) event(attempt int) (*hooks.Event, error) {
	id := publicID(w.app, w.id)
	info, err := json.Marshal(jobInfo{
		ID: id, Name: w.job, Cron: w.Cron, ScheduledAt: w.At.UTC().Format(time.RFC3339Nano), Attempt: attempt, Manual: w.Manual,
		Script: w.Script,
	})
	if err != nil {
		return nil, fmt.Errorf("task %s: %w", w.id, err)
	}
	return &hooks.Event{
		App: w.app, Operation: w.job, Phase: hooks.Tick, Attempt: attempt, Trace: hooks.ParseTrace(w.Trace),
		Payload: hooks.Payload{ID: id, Message: w.Message, Job: info},
	}, nil
}

// states are asynq's names of states and ours.
func states() map[asynq.TaskState]hooks.TaskState {
	return map[asynq.TaskState]hooks.TaskState{
		asynq.TaskStatePending: hooks.TaskPending, asynq.TaskStateActive: hooks.TaskActive, asynq.TaskStateScheduled: hooks.TaskScheduled,
		asynq.TaskStateRetry: hooks.TaskRetry, asynq.TaskStateArchived: hooks.TaskArchived,
	}
}

// shown is a task as callers see it; ok is false if it is none of theirs.
func shown(info *asynq.TaskInfo) (task hooks.Task, app string, ok bool) {
	w, err := readWork(info.ID, info.Type, info.Payload)
	if err != nil {
		return task, "", false
	}
	task = hooks.Task{
		ID: publicID(w.app, w.id), Job: w.job, Script: w.Script, State: states()[info.State], ScheduledAt: w.At, Created: w.Created,
		Cron: w.Cron, Manual: w.Manual, Attempts: info.Retried, Error: info.LastErr, Payload: w.Message,
	}
	if at := info.NextProcessAt; at.Unix() > 0 && (task.State == hooks.TaskScheduled || task.State == hooks.TaskRetry) {
		at = at.UTC()
		task.Due = &at
	}
	if at := info.LastFailedAt; at.Unix() > 0 {
		at = at.UTC()
		task.FailedAt = &at
	}
	if task.State == hooks.TaskArchived {
		task.Attempts++ // asynq does not count the last
	}
	return task, w.app, task.State != ""
}
