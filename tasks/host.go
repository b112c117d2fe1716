package tasks

import (
	"context"
	"encoding/json"
	"time"

	"gaff/hooks"
)

// Functions are what scripts can do with the queue: jobs.* order runs of the app's jobs, scripts.* runs of its scripts.
func Functions(q *Queue) hooks.HostFunctions { return functions(q) }

// orders is a queue as scripts use it.
type orders interface {
	Enqueue(ctx context.Context, o hooks.TaskOrder) (id string, existing bool, err error)
	Cancel(ctx context.Context, app, id string) (int, error)
	Tasks(ctx context.Context, f hooks.TaskFilter) ([]hooks.Task, error)
}

func functions(q orders) hooks.HostFunctions {
	h := host{q}
	return hooks.HostFunctions{
		"jobs.enqueue": h.enqueue, "jobs.cancel": h.cancel, "jobs.list": h.list,
		"scripts.schedule": h.schedule, "scripts.cancel": h.cancel, "scripts.scheduled": h.scheduled, "scripts.running": h.running,
	}
}

type host struct{ queue orders }

// enqueueOptions say when an ordered task runs: after a delay, in seconds or as text such as 5m, or at a time, in
// milliseconds since 1970 or RFC 3339.
type enqueueOptions struct {
	Delay json.RawMessage `json:"delay"`
	At    json.RawMessage `json:"at"`
	ID    string          `json:"id"`
}

// enqueue is jobs.enqueue(name, payload, {delay, at, id}).
func (h host) enqueue(ctx context.Context, c *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var name string
	if err := read(args, 0, &name, "the first argument must be the name of a job"); err != nil {
		return nil, err
	}
	var o enqueueOptions
	if err := read(args, 2, &o, "the third argument must be an object such as {delay: 60, at: date, id: text}"); err != nil {
		return nil, err
	}
	if err := hooks.CheckName("job", name); err != nil {
		return nil, err
	}
	job := c.Table.Registered(name)
	if job == nil {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is no job %s", name)
	}
	at, err := hooks.TaskTime(o.Delay, o.At, time.Now())
	if err != nil {
		return nil, err
	}
	id, existing, err := h.queue.Enqueue(ctx, hooks.TaskOrder{
		App: c.Event.App, Job: name, Cron: job.Schedule, Payload: argument(args, 1), Trace: c.Event.Trace, At: at, ID: o.ID,
	})
	return answer(map[string]any{"id": id, "existing": existing}, err)
}

// cancel is jobs.cancel(id).
func (h host) cancel(ctx context.Context, c *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var id string
	if err := read(args, 0, &id, "the first argument must be the id of a task"); err != nil {
		return nil, err
	}
	n, err := h.queue.Cancel(ctx, c.Event.App, id)
	return answer(map[string]int{"cancelled": n}, err)
}

// list is jobs.list({name, state, limit}).
func (h host) list(ctx context.Context, c *hooks.Caller, args []json.RawMessage) (json.RawMessage, error) {
	var o struct {
		Name  string          `json:"name"`
		State hooks.TaskState `json:"state"`
		Limit int             `json:"limit"`
	}
	if err := read(args, 0, &o, "the argument must be an object such as {name: job, state: 'scheduled', limit: 100}"); err != nil {
		return nil, err
	}
	f := hooks.TaskFilter{App: c.Event.App, Job: o.Name, Limit: min(o.Limit, scanPage)}
	if o.State != "" {
		f.States = []hooks.TaskState{o.State}
	}
	list, err := h.queue.Tasks(ctx, f)
	return answer(list, err)
}

func present(raw json.RawMessage) bool { return len(raw) > 0 && string(raw) != "null" }

// read decodes an argument, if it is there; otherwise to stays as it is, unless that is a text that must be.
func read(args []json.RawMessage, i int, to any, needed string) error {
	raw := argument(args, i)
	if raw != nil && json.Unmarshal(raw, to) == nil {
		return nil
	}
	if _, text := to.(*string); raw == nil && !text {
		return nil
	}
	return hooks.Errorf(hooks.CodeBadRequest, "%s", needed)
}

// argument is the i-th argument, nil if it is not given.
func argument(args []json.RawMessage, i int) json.RawMessage {
	if i < len(args) && present(args[i]) {
		return args[i]
	}
	return nil
}

func answer(v any, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
