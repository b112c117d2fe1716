package tasks

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// enqueue puts one tick of app a's job into the queue, as a scheduler does.
func enqueue(t *testing.T, r Redis, job string) (id string) {
	t.Helper()
	return enqueueAt(t, r, job, time.Now())
}

func enqueueAt(t *testing.T, r Redis, job string, tick time.Time) (id string) {
	t.Helper()
	q := NewQueue(r)
	defer q.Close()
	id = tickID("a", job, tick)
	p := payload{Cron: "@daily", At: tick.UTC(), Created: time.Now().UTC()}
	if err := q.put(t.Context(), id, "a", job, p, asynq.Retention(time.Hour)); err != nil {
		t.Fatal(err)
	}
	return id
}

// waitState waits until asynq has the task in that state.
func waitState(t *testing.T, r Redis, id string, want asynq.TaskState) *asynq.TaskInfo {
	t.Helper()
	inspector := asynq.NewInspector(r.opt)
	defer inspector.Close()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for late := time.Now().Add(patience); ; <-poll.C {
		info, err := inspector.GetTaskInfo(r.queue(), id)
		if err == nil && info.State == want {
			return info
		}
		if time.Now().After(late) {
			t.Fatalf("%s: %+v, %v; want %v", id, info, err, want)
		}
	}
}

func TestServeVerdicts(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		var l logs
		tables := tablesOf("a", map[string]string{"fine": "@daily", "throws": "@daily", "gone": "@daily"})
		h := newHandler()
		h.verdict = func(e *hooks.Event) hooks.Verdict {
			switch e.Operation {
			case "throws":
				return hooks.Stop(hooks.Errorf(hooks.CodeHookError, "it threw"))
			case "gone":
				return hooks.Stop(hooks.Errorf(hooks.CodeNotFound, "job gone is not registered"))
			}
			return hooks.GoOn()
		}
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: set(&hooks.Tables{}, tables), Log: l.logger()})
		})
		fine, throws, gone := enqueue(t, r, "fine"), enqueue(t, r, "throws"), enqueue(t, r, "gone")
		waitState(t, r, fine, asynq.TaskStateCompleted)
		waitState(t, r, gone, asynq.TaskStateCompleted)
		if info := waitState(t, r, throws, asynq.TaskStateArchived); info.LastErr != "HOOK_ERROR: it threw" || info.Retried != 0 {
			t.Errorf("got %+v", info)
		}
		if got := l.String(); !strings.Contains(got, "a tick is skipped: its job is gone") || !strings.Contains(got, gone) {
			t.Errorf("log: %s", got)
		}
	})
}

// TestServeStops shows that an active task finishes, with a context that is not cancelled, and that no other begins.
func TestServeStops(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		started, finish := make(chan struct{}), make(chan struct{})
		h := hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
			close(started)
			<-finish
			if ctx.Err() != nil {
				return hooks.Stop(hooks.Errorf(hooks.CodeHookTimeout, "cancelled"))
			}
			return hooks.GoOn()
		})
		tables := set(&hooks.Tables{}, tablesOf("a", map[string]string{"first": "@daily", "second": "@daily"}))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, r, h, Options{Tables: tables, Log: new(logs).logger(), Concurrency: 1}) }()
		first := enqueue(t, r, "first")
		<-started
		second := enqueue(t, r, "second")
		cancel()
		select {
		case err := <-done:
			t.Fatal("it has not waited", err)
		case <-time.After(300 * time.Millisecond):
		}
		close(finish)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		waitState(t, r, first, asynq.TaskStateCompleted)
		waitState(t, r, second, asynq.TaskStatePending)
	})
}

// TestServeGivesBack shows that a task which does not finish in time is there for another server.
func TestServeGivesBack(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		started, finish := make(chan struct{}), make(chan struct{})
		stuck := hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
			close(started)
			<-finish
			return hooks.GoOn()
		})
		defer close(finish)
		var l logs
		tables := set(&hooks.Tables{}, tablesOf("a", map[string]string{"stuck": "@daily"}))
		stop := run(t, func(ctx context.Context) error {
			return Serve(ctx, r, stuck, Options{Tables: tables, StopWithin: 50 * time.Millisecond, Log: l.logger()})
		})
		id := enqueue(t, r, "stuck")
		<-started
		stop()
		h := newHandler()
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
		h.next(t, "stuck")
		waitState(t, r, id, asynq.TaskStateCompleted)
	})
}
