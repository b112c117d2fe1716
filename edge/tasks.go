package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"gaff/hooks"
)

// Tasks shows the runs of jobs that wait, go on, or have failed for good.
type Tasks interface {
	// Tasks lists those that f selects.
	Tasks(ctx context.Context, f hooks.TaskFilter) ([]hooks.Task, error)
	// Task returns one of an app, or a NOT_FOUND error.
	Task(ctx context.Context, app, id string) (hooks.Task, error)
}

// TaskControl changes what runs.
type TaskControl interface {
	// Enqueue orders a run and returns its id; existing: it was ordered before.
	Enqueue(ctx context.Context, o hooks.TaskOrder) (id string, existing bool, err error)
	// Retry has one that waits or has failed run now.
	Retry(ctx context.Context, app, id string) error
	// Cancel removes one that does not run, and returns how many that were.
	Cancel(ctx context.Context, app, id string) (int, error)
}

func (a *api) tasks() {
	s := a.server
	serve(a, operation{
		id: "enqueue-job", method: http.MethodPost, path: "/v1/jobs/{name}/enqueue", summary: "Order a run of a job, with a payload, now or later",
		status: http.StatusAccepted, lenient: true,
	}, s.enqueueJob)
	serve(a, operation{id: "list-tasks", method: http.MethodGet, path: "/v1/tasks",
		summary: "List runs of jobs that wait, go on, or have failed for good"}, s.listTasks)
	serve(a, operation{id: "get-task", method: http.MethodGet, path: "/v1/tasks/{id}", summary: "Get one of them"},
		func(x *exchange, in *taskInput) (*tagged[hooks.Task], error) {
			task, err := s.config.Tasks.Task(x.r.Context(), x.caller.app, in.ID)
			return &tagged[hooks.Task]{Body: task}, err
		})
	serve(a, operation{id: "retry-task", method: http.MethodPost, path: "/v1/tasks/{id}/retry", status: http.StatusAccepted,
		summary: "Have one that waits, or has failed for good, run now"}, s.retryTask)
	serve(a, operation{id: "cancel-task", method: http.MethodDelete, path: "/v1/tasks/{id}", status: http.StatusOK,
		summary: "Remove one that waits or has failed for good"}, s.cancelTask)
}

type taskInput struct {
	ID string `path:"id"`
}

type enqueueInput struct {
	Name string `path:"name"`
	Body *struct {
		Payload json.RawMessage `json:"payload,omitempty" doc:"the run's req.body"`
		Delay   json.RawMessage `json:"delay,omitempty" doc:"seconds, or a text such as 5m"`
		At      json.RawMessage `json:"at,omitempty" doc:"RFC 3339, or milliseconds since 1970"`
		ID      string          `json:"id,omitempty" doc:"one that is known already is not ordered again"`
	}
}

type enqueued struct {
	ID       string `json:"id"`
	Existing bool   `json:"existing" doc:"it was ordered before, and is not ordered again"`
}

func (s *Server) enqueueJob(x *exchange, in *enqueueInput) (*tagged[enqueued], error) {
	if err := hooks.CheckName("job", in.Name); err != nil {
		return nil, err
	}
	job := s.config.Tables.Of(x.caller.app).Registered(in.Name)
	if job == nil {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is no job %s", in.Name)
	}
	o := hooks.TaskOrder{App: x.caller.app, Job: in.Name, Cron: job.Schedule, Trace: x.trace}
	if in.Body != nil {
		at, err := hooks.TaskTime(in.Body.Delay, in.Body.At, time.Now())
		if err != nil {
			return nil, err
		}
		o.Payload, o.At, o.ID = in.Body.Payload, at, in.Body.ID
	}
	id, existing, err := s.config.TaskControl.Enqueue(x.r.Context(), o)
	if err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "job-enqueue", "", in.Name)
	return &tagged[enqueued]{Body: enqueued{id, existing}}, nil
}

type listTasksInput struct {
	Job   string          `query:"job" doc:"of this job only"`
	State hooks.TaskState `query:"state" enum:"active,pending,retry,scheduled,archived" doc:"in this state only"`
	Limit int             `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *Server) listTasks(x *exchange, in *listTasksInput) (*tagged[[]hooks.Task], error) {
	f := hooks.TaskFilter{App: x.caller.app, Job: in.Job, Limit: in.Limit}
	if in.State != "" {
		f.States = []hooks.TaskState{in.State}
	}
	list, err := s.config.Tasks.Tasks(x.r.Context(), f)
	return &tagged[[]hooks.Task]{Body: list}, err
}

func (s *Server) retryTask(x *exchange, in *taskInput) (*tagged[runBody], error) {
	if err := s.config.TaskControl.Retry(x.r.Context(), x.caller.app, in.ID); err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "task-retry", "", in.ID)
	return &tagged[runBody]{Body: runBody{in.ID}}, nil
}

type cancelled struct {
	Cancelled int `json:"cancelled"`
}

func (s *Server) cancelTask(x *exchange, in *taskInput) (*tagged[cancelled], error) {
	ctx := x.r.Context()
	n, err := s.config.TaskControl.Cancel(ctx, x.caller.app, in.ID)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		if _, err := s.config.Tasks.Task(ctx, x.caller.app, in.ID); err != nil {
			return nil, err
		}
		return nil, hooks.Errorf(hooks.CodeConflict, "task %.140s runs already", in.ID)
	}
	s.audit(x, x.caller.app, "task-cancel", in.ID, "")
	return &tagged[cancelled]{Body: cancelled{n}}, nil
}
