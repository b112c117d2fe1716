package tasks

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// TestTaskOfAnotherApp: a task is run by the server that serves its app, once, whoever takes it first, and counts as tried no more
// often for it.
func TestTaskOfAnotherApp(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "job", Overlap: hooks.OverlapAllow})
		var ran atomic.Int64
		ours := hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
			if ran.Add(1); e.Attempt != 1 {
				t.Errorf("attempt %d", e.Attempt)
			}
			return hooks.GoOn()
		})
		others := hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
			t.Error("it runs on the wrong server")
			return hooks.GoOn()
		})
		for range 2 {
			run(t, func(ctx context.Context) error {
				return Serve(ctx, r, others, Options{Tables: tables, Apps: hooks.Apps{Except: []string{"a"}}, Log: new(logs).logger()})
			})
		}
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, ours, Options{Tables: tables, Apps: hooks.Apps{Only: "a"}, Log: new(logs).logger()})
		})
		const n = 40
		now := time.Now()
		ids := make([]string, n)
		for i := range n {
			ids[i] = enqueueAt(t, r, "job", now.Add(-time.Duration(i)*time.Second))
		}
		for _, id := range ids {
			waitState(t, r, id, asynq.TaskStateCompleted)
		}
		if ran.Load() != n {
			t.Errorf("%d runs, want %d", ran.Load(), n)
		}
	})
}

// TestTaskThatNobodyServes waits, and is not spun around.
func TestTaskThatNobodyServes(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "job"})
		var looked atomic.Int64
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, newGated(), Options{
				Tables: tables, Apps: hooks.Apps{Only: "other"}, Log: new(logs).logger(),
				Served: func(_ context.Context, app string) bool {
					if app != "a" {
						t.Errorf("asks for %s", app)
					}
					looked.Add(1)
					return false
				},
			})
		})
		id := enqueueAt(t, r, "job", time.Now())
		waitState(t, r, id, asynq.TaskStateRetry)
		q := NewQueue(r)
		defer q.Close()
		info, err := q.inspector.GetTaskInfo(r.queue(), id)
		if err != nil || time.Until(info.NextProcessAt) < unservedFor/2 || info.Retried != 0 {
			t.Errorf("%+v, %v", info, err)
		}
		if looked.Load() != 1 {
			t.Errorf("looked at %d times", looked.Load())
		}
	})
}
