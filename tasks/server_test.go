package tasks

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// enqueue puts one tick of app a's job into the queue, as a scheduler does.
func enqueue(t *testing.T, r Redis, job string) (id string) {
	t.Helper()
	client := asynq.NewClient(r.opt)
	defer client.Close()
	body, err := json.Marshal(payload{Cron: "@daily"})
	if err != nil {
		t.Fatal(err)
	}
	id = taskID("a:"+job, time.Now())
	_, err = client.Enqueue(asynq.NewTask("a:"+job, body), asynq.TaskID(id), asynq.Queue(r.queue()), asynq.MaxRetry(0),
		asynq.Retention(time.Hour))
	if err != nil {
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
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Log: l.logger()}) })
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
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- Serve(ctx, r, h, Options{Log: new(logs).logger(), Concurrency: 1}) }()
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
		stop := run(t, func(ctx context.Context) error {
			return Serve(ctx, r, stuck, Options{StopWithin: 50 * time.Millisecond, Log: l.logger()})
		})
		id := enqueue(t, r, "stuck")
		<-started
		stop()
		h := newHandler()
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Log: l.logger()}) })
		h.next(t, "stuck")
		waitState(t, r, id, asynq.TaskStateCompleted)
	})
}
