package tasks

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// Bounds of a list of tasks.
const (
	defaultTasks = 100
	maxScanned   = 100_000 // tasks of each state that are looked at: those of all apps stand in one queue
	scanPage     = 1000
)

// Tasks lists tasks of an app, state by state, those that are due first foremost.
func (q *Queue) Tasks(ctx context.Context, f hooks.TaskFilter) ([]hooks.Task, error) {
	wanted := f.States
	if len(wanted) == 0 {
		wanted = hooks.TaskStates()
	}
	limit := cmp.Or(max(f.Limit, 0), defaultTasks)
	found := []hooks.Task{}
	for _, state := range wanted {
		for page := 1; len(found) < limit && page*scanPage <= maxScanned; page++ {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			infos, err := q.list(state, page)
			if err != nil {
				return nil, err
			}
			for _, info := range infos {
				if task, app, ok := shown(info); ok && app == f.App && (f.Job == "" || f.Job == task.Job) && len(found) < limit {
					found = append(found, task)
				}
			}
			if len(infos) < scanPage {
				break
			}
		}
	}
	return found, nil
}

// list returns a page of the tasks of a state.
func (q *Queue) list(state hooks.TaskState, page int) ([]*asynq.TaskInfo, error) {
	list := map[hooks.TaskState]func(string, ...asynq.ListOption) ([]*asynq.TaskInfo, error){
		hooks.TaskActive: q.inspector.ListActiveTasks, hooks.TaskPending: q.inspector.ListPendingTasks, hooks.TaskRetry: q.inspector.ListRetryTasks,
		hooks.TaskScheduled: q.inspector.ListScheduledTasks, hooks.TaskArchived: q.inspector.ListArchivedTasks,
	}[state]
	if list == nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%.40q is not a state of a task", state)
	}
	infos, err := list(q.redis.queue(), asynq.PageSize(scanPage), asynq.Page(page))
	switch {
	case errors.Is(err, asynq.ErrQueueNotFound):
		return nil, nil
	case err != nil:
		return nil, unreachable(err)
	}
	return infos, nil
}

// Task returns a task of an app, or a NOT_FOUND error. One that has run is not there anymore.
func (q *Queue) Task(_ context.Context, app, id string) (hooks.Task, error) {
	info, err := q.info(app, id)
	if err != nil {
		return hooks.Task{}, err
	}
	task, _, ok := shown(info)
	if !ok {
		return task, noTask(app, id)
	}
	return task, nil
}

func (q *Queue) info(app, id string) (*asynq.TaskInfo, error) {
	info, err := q.inspector.GetTaskInfo(q.redis.queue(), fullID(app, id))
	switch {
	case errors.Is(err, asynq.ErrQueueNotFound) || errors.Is(err, asynq.ErrTaskNotFound):
		return nil, noTask(app, id)
	case err != nil:
		return nil, unreachable(err)
	}
	return info, nil
}

func noTask(app, id string) error {
	return hooks.Errorf(hooks.CodeNotFound, "app %s has no task %.140s that waits, runs or has failed", app, id)
}

// Retry has a task that waits or has failed run now, with all its attempts before it. One that runs is a CONFLICT.
func (q *Queue) Retry(ctx context.Context, app, id string) error {
	info, err := q.info(app, id)
	if err != nil {
		return err
	}
	switch info.State {
	case asynq.TaskStatePending:
		return nil
	case asynq.TaskStateScheduled, asynq.TaskStateRetry, asynq.TaskStateArchived:
	default:
		return hooks.Errorf(hooks.CodeConflict, "task %s is %s", publicID(app, info.ID), info.State)
	}
	if err := q.forgive(ctx, info.ID, info.Retried); err != nil {
		return unreachable(err)
	}
	return changed(q.inspector.RunTask(info.Queue, info.ID), app, id)
}

// Cancel removes a task that waits or has failed, and returns how many that were: 0 if there is none of that id, or it
// runs already.
func (q *Queue) Cancel(_ context.Context, app, id string) (int, error) {
	info, err := q.info(app, id)
	switch {
	case err != nil && hooks.AsError(err).Code == hooks.CodeNotFound:
		return 0, nil
	case err != nil:
		return 0, err
	case states()[info.State] == "" || info.State == asynq.TaskStateActive:
		return 0, nil
	}
	err = changed(q.inspector.DeleteTask(info.Queue, info.ID), app, id)
	if err != nil && slices.Contains([]hooks.Code{hooks.CodeNotFound, hooks.CodeConflict}, hooks.AsError(err).Code) {
		return 0, nil // it began meanwhile
	}
	if err != nil {
		return 0, err
	}
	return 1, nil
}

// changed is what an inspector's error means.
func changed(err error, app, id string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, asynq.ErrTaskNotFound) || errors.Is(err, asynq.ErrQueueNotFound):
		return noTask(app, id)
	}
	return hooks.Errorf(hooks.CodeConflict, "task %.140s has begun to run meanwhile, or the queue cannot be reached", id).Because(err)
}
