package tasks

import (
	"context"
	"encoding/json"
	"time"

	"gaff/hooks"
)

// schedule is scripts.schedule({script, data, at}): the script runs by itself, at a time in milliseconds since 1970, without
// the session of whoever ordered it.
func (h host) schedule(ctx context.Context, c *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var o struct {
		Script string          `json:"script"`
		Data   json.RawMessage `json:"data"`
		At     json.RawMessage `json:"at"`
	}
	if err := read(args, 0, &o, "the argument must be an object such as {script: name, data: {}, at: milliseconds}"); err != nil {
		return nil, err
	}
	file, ok := c.Table.Release.FindScript(o.Script)
	if !ok {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is no script %.200s", o.Script)
	}
	at, err := hooks.TaskTime(nil, o.At, time.Now())
	if err != nil {
		return nil, err
	}
	order := hooks.TaskOrder{App: c.Event.App, Job: hooks.ScriptTaskName(file), Script: file, Trace: c.Event.Trace, At: at}
	if present(o.Data) {
		order.Payload = o.Data
	}
	id, _, err := h.queue.Enqueue(ctx, order)
	return answer(map[string]string{"jobId": id}, err)
}

// scheduledScript is a script's task in the words of those who schedule scripts.
type scheduledScript struct {
	JobID              string          `json:"jobId"`
	JobType            string          `json:"jobType"`
	ScriptName         string          `json:"scriptName"`
	Parameters         json.RawMessage `json:"parameters"`
	RunState           string          `json:"runState"`
	Description        string          `json:"description"`
	ScheduledStartTime int64           `json:"scheduledStartTime"` // ms since 1970, as all times here
	CreatedAt          int64           `json:"createdAt"`
	Result             *string         `json:"result"` // what it last failed with
}

// scheduled is scripts.scheduled({until}): the scripts that wait for a time until then, or for any.
func (h host) scheduled(ctx context.Context, c *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var o struct {
		Until json.RawMessage `json:"until"`
	}
	if err := read(args, 0, &o, "the argument must be an object such as {until: milliseconds}"); err != nil {
		return nil, err
	}
	until, err := hooks.TaskTime(nil, o.Until, time.Now())
	if err != nil {
		return nil, err
	}
	return h.scripts(ctx, c.Event.App, until, hooks.TaskScheduled, hooks.TaskRetry)
}

// running is scripts.running(): the scripts that run, or wait for a worker.
func (h host) running(ctx context.Context, c *hooks.Caller, _ []json.RawMessage) (json.RawMessage, error) {
	return h.scripts(ctx, c.Event.App, time.Time{}, hooks.TaskActive, hooks.TaskPending)
}

// scripts lists the tasks of scripts by themselves that are in one of the states and due until then.
func (h host) scripts(ctx context.Context, app string, until time.Time, states ...hooks.TaskState) (json.RawMessage, error) {
	list, err := h.queue.Tasks(ctx, hooks.TaskFilter{App: app, States: states, Limit: scanPage})
	found := []scheduledScript{}
	for i := range list {
		t := &list[i]
		due := t.ScheduledAt
		if t.Due != nil {
			due = *t.Due
		}
		if t.Script == "" || !until.IsZero() && due.After(until) {
			continue
		}
		s := scheduledScript{
			JobID: t.ID, JobType: "CloudCode", ScriptName: t.Script, Parameters: json.RawMessage("{}"), RunState: runState(t.State),
			ScheduledStartTime: due.UnixMilli(), CreatedAt: t.Created.UnixMilli(),
		}
		if t.Payload != nil {
			s.Parameters = t.Payload
		}
		if t.Error != "" {
			s.Result = &t.Error
		}
		found = append(found, s)
	}
	return answer(found, err)
}

func runState(s hooks.TaskState) string {
	switch s {
	case hooks.TaskActive:
		return "Running"
	case hooks.TaskPending:
		return "Queued"
	case hooks.TaskArchived:
		return "Failed"
	}
	return "Scheduled"
}
