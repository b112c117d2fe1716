package tasks

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// died puts a task into the state in which a worker leaves it that dies while it runs.
func died(t *testing.T, r Redis, job string, tick time.Time) (id string) {
	t.Helper()
	id = enqueueAt(t, r, job, tick)
	q := NewQueue(r)
	defer q.Close()
	began := make(chan struct{})
	stuck := hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		close(began)
		<-ctx.Done()
		return hooks.Stop(hooks.Errorf(hooks.CodeUnavailable, "the test is over"))
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	// A server that is told to stop at once gives its task back; put where it was, it is as if nobody had.
	go func() {
		done <- Serve(ctx, r, stuck, Options{Tables: jobsOf(hooks.Job{Name: job}), StopWithin: time.Millisecond, Log: new(logs).logger()})
	}()
	<-began
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	waitState(t, r, id, asynq.TaskStatePending)
	if n := q.client.LRem(t.Context(), q.asynqKey("pending"), 0, id).Val(); n != 1 {
		t.Fatalf("%d removed", n)
	}
	q.client.LPush(t.Context(), q.asynqKey("active"), id)
	q.client.HSet(t.Context(), q.redis.taskKey(id), "state", "active")
	if err := q.client.Do(t.Context(), "ZADD", q.asynqKey("lease"), time.Now().Add(30*time.Second).Unix(), id).Err(); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestGiveBack: the task of a process that died runs again as soon as somebody gives it back, once.
func TestGiveBack(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		id := died(t, r, "j", time.Now())
		q := NewQueue(r)
		defer q.Close()
		for _, want := range []int{1, 0} {
			if n, err := q.GiveBack(t.Context(), "a", false, id, "a:none"); err != nil || n != want {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
		}
		h := newHandler()
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: jobsOf(hooks.Job{Name: "j"}), Journal: &book{}, Log: new(logs).logger()})
		})
		e := <-h.events
		if e.ID != id || e.Attempt != 2 {
			t.Errorf("%+v", e)
		}
		waitState(t, r, id, asynq.TaskStateCompleted)
	})
}

// TestOrphans: the task of a process that nobody speaks for is given back once its lease has not moved for long enough, as
// seen without a break.
func TestOrphans(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		id := died(t, r, "j", time.Now())
		q := NewQueue(r)
		defer q.Close()
		o := &orphans{queue: q, log: new(logs).logger()}
		start := time.Now()
		look := func(after time.Duration) {
			t.Helper()
			if err := o.look(t.Context(), start.Add(after)); err != nil {
				t.Fatal(err)
			}
		}
		state := func() hooks.TaskState {
			task, err := q.Task(t.Context(), "a", id)
			if err != nil {
				t.Fatal(err)
			}
			return task.State
		}
		look(0)
		look(orphanAfter - time.Second)
		if state() != hooks.TaskActive {
			t.Error("given back too soon")
		}
		q.client.Do(t.Context(), "ZADD", q.asynqKey("lease"), time.Now().Add(35*time.Second).Unix(), id) // it lives
		look(orphanAfter)
		look(2*orphanAfter - time.Second)
		o.seen = nil // Redis could not be asked
		look(2 * orphanAfter)
		if state() != hooks.TaskActive {
			t.Error("given back though it lives, or Redis was away")
		}
		look(3 * orphanAfter)
		if state() != hooks.TaskPending {
			t.Error("not given back")
		}
	})
}

// TestCrashAfterRecord: a run whose worker died when its record was written already is not repeated; one that failed is tried
// again as often as its job says.
func TestCrashAfterRecord(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		ok, failed := died(t, r, "ok", time.Now()), died(t, r, "failed", time.Now())
		b := &book{records: []hooks.Record{
			{App: "a", Kind: hooks.KindJob, Name: "ok", Event: ok, Attempt: 1, Status: hooks.StatusOK, Time: time.Now()},
			{App: "a", Kind: hooks.KindJob, Name: "failed", Event: failed, Attempt: 1, Status: hooks.StatusFailed, Time: time.Now(),
				Error: &hooks.RecordError{Code: hooks.CodeHookError, Message: "no luck"}},
		}}
		q := NewQueue(r)
		defer q.Close()
		if n, err := q.GiveBack(t.Context(), "a", true, ok, failed); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		h := newHandler()
		tables := jobsOf(hooks.Job{Name: "ok"}, hooks.Job{Name: "failed", Retry: hooks.Retry{Attempts: 2, Min: time.Millisecond}})
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: tables, Journal: b, Log: new(logs).logger()})
		})
		waitState(t, r, ok, asynq.TaskStateCompleted)
		waitState(t, r, failed, asynq.TaskStateCompleted)
		if len(h.events) != 1 {
			t.Fatalf("%d runs", len(h.events))
		}
		if e := <-h.events; e.ID != failed || e.Attempt != 3 {
			t.Errorf("%+v", e)
		}
	})
}

// TestCrashes: what has taken three workers with it is not run a fourth time.
func TestCrashes(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		id := died(t, r, "j", time.Now())
		q := NewQueue(r)
		defer q.Close()
		q.client.HSet(t.Context(), q.redis.taskKey(id), fieldCrashes, maxCrashes-1)
		if n, err := q.GiveBack(t.Context(), "a", false, id); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		h, b := newHandler(), &book{}
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: jobsOf(hooks.Job{Name: "j"}), Journal: b, Log: new(logs).logger()})
		})
		info := waitState(t, r, id, asynq.TaskStateArchived)
		if len(h.events) != 0 || info.LastErr != "HOOK_CRASHED: the process that ran it has died 3 times" {
			t.Errorf("%d runs, %s", len(h.events), info.LastErr)
		}
		if records, _ := b.Logs(t.Context(), hooks.LogFilter{}); len(records) != 1 || records[0].Status != "crashed" {
			t.Errorf("%+v", records)
		}
	})
}

// TestInnocentCrashes: what was only there when processes ended runs on.
func TestInnocentCrashes(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		id := died(t, r, "j", time.Now())
		q := NewQueue(r)
		defer q.Close()
		q.client.HSet(t.Context(), q.redis.taskKey(id), fieldCrashes, maxCrashes, fieldInnocent, maxCrashes-1)
		if n, err := q.GiveBack(t.Context(), "a", true, id); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		h := newHandler()
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: jobsOf(hooks.Job{Name: "j"}), Journal: &book{}, Log: new(logs).logger()})
		})
		waitState(t, r, id, asynq.TaskStateCompleted)
		if e := <-h.events; e.Attempt != maxCrashes+2 {
			t.Errorf("%+v", e)
		}
	})
}

// The decisions of asynq that the above stands on.
func TestWhatCountsAsFailure(t *testing.T) {
	t.Parallel()
	err := errors.New("x")
	for _, c := range []struct {
		err    error
		counts bool
	}{{err, true}, {&again{error: err}, false}, {&again{error: err, counts: true}, true}, {asynq.ErrLeaseExpired, false}, {final{err}, true}} {
		if isFailure(c.err) != c.counts {
			t.Errorf("%v: counts %v", c.err, !c.counts)
		}
	}
	if !errors.Is(final{err}, asynq.SkipRetry) || !errors.Is(final{err}, err) || errors.Is(&again{error: err}, asynq.SkipRetry) {
		t.Error("what is final is not what asynq takes for final")
	}
	if retryDelay(1, &again{error: err, after: time.Minute}, nil) != time.Minute || retryDelay(1, asynq.ErrLeaseExpired, nil) != 0 {
		t.Error("delays")
	}
}
