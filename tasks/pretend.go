package tasks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"gaff/hooks"
)

// PretendFunctions are [Functions] on a queue of their own that nothing works off, for runs that must not have any effect.
// Its ids are task-1, task-2 and so on.
func PretendFunctions() hooks.HostFunctions { return functions(&pretence{}) }

// pretence keeps orders in memory.
type pretence struct {
	mu    sync.Mutex
	made  int
	tasks []hooks.Task
	apps  map[string]string // by task
}

// Enqueue keeps the order.
func (p *pretence) Enqueue(_ context.Context, o hooks.TaskOrder) (id string, existing bool, err error) {
	now := time.Now().UTC()
	if err := o.Check(now); err != nil {
		return "", false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id = o.ID; id == "" {
		p.made++
		id = fmt.Sprintf("task-%d", p.made)
	}
	if slices.ContainsFunc(p.tasks, func(t hooks.Task) bool { return t.ID == id && p.apps[id] == o.App }) {
		return id, true, nil
	}
	t := hooks.Task{
		ID: id, Job: o.Job, Script: o.Script, State: hooks.TaskPending, ScheduledAt: now, Created: now, Cron: o.Cron, Manual: true, Payload: o.Payload,
	}
	if o.At.After(now) {
		at := o.At.UTC()
		t.State, t.ScheduledAt, t.Due = hooks.TaskScheduled, at, &at
	}
	if p.apps == nil {
		p.apps = map[string]string{}
	}
	p.apps[id] = o.App
	p.tasks = append(p.tasks, t)
	return id, false, nil
}

// Cancel forgets an order.
func (p *pretence) Cancel(_ context.Context, app, id string) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := len(p.tasks)
	p.tasks = slices.DeleteFunc(p.tasks, func(t hooks.Task) bool { return t.ID == id && p.apps[id] == app })
	return before - len(p.tasks), nil
}

// Tasks lists the orders.
func (p *pretence) Tasks(_ context.Context, f hooks.TaskFilter) ([]hooks.Task, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found := []hooks.Task{}
	for _, t := range p.tasks {
		if p.apps[t.ID] == f.App && (f.Job == "" || f.Job == t.Job) && (len(f.States) == 0 || slices.Contains(f.States, t.State)) {
			found = append(found, t)
		}
	}
	return found, nil
}
