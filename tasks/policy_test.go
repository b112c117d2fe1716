package tasks

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// book is a journal in memory.
type book struct {
	mu      sync.Mutex
	records []hooks.Record
	flushed int
}

func (b *book) Record(r hooks.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r.Clone())
}

func (b *book) Flush(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flushed++
	return nil
}

func (b *book) Logs(_ context.Context, f hooks.LogFilter) ([]hooks.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []hooks.Record
	for i := range b.records {
		if f.Match(&b.records[i]) {
			found = append(found, b.records[i])
		}
	}
	return found, nil
}

// await waits until ok holds.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for late := time.Now().Add(patience); !ok(); <-poll.C {
		if time.Now().After(late) {
			t.Fatalf("%s does not come about", what)
		}
	}
}

// gated runs tasks one by one as the test lets them.
type gated struct {
	mu      sync.Mutex
	running map[string]int
	most    map[string]int
	ran     []*hooks.Event
	release chan struct{}
}

func newGated() *gated {
	return &gated{running: map[string]int{}, most: map[string]int{}, release: make(chan struct{}, 1000)}
}

func (g *gated) Handle(_ context.Context, e *hooks.Event) hooks.Verdict {
	g.mu.Lock()
	g.running[e.Operation]++
	g.most[e.Operation] = max(g.most[e.Operation], g.running[e.Operation])
	g.mu.Unlock()
	<-g.release
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[e.Operation]--
	g.ran = append(g.ran, e)
	return hooks.GoOn()
}

func (g *gated) now(job string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.running[job]
}

func (g *gated) done() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.ran)
}

// TestOverlap: a tick is passed over while an earlier one runs, with a record that says so, unless the job allows it; one that
// is made up for waits instead.
func TestOverlap(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "skip"}, hooks.Job{Name: "allow", Overlap: hooks.OverlapAllow})
		g, b := newGated(), &book{}
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, g, Options{Tables: tables, Journal: b, Log: new(logs).logger()})
		})
		now := time.Now()
		enqueueAt(t, r, "skip", now.Add(-2*time.Second))
		enqueueAt(t, r, "allow", now.Add(-2*time.Second))
		await(t, "the first runs", func() bool { return g.now("skip") == 1 && g.now("allow") == 1 })
		passed := enqueueAt(t, r, "skip", now.Add(-time.Second))
		enqueueAt(t, r, "allow", now.Add(-time.Second))
		await(t, "two runs at once", func() bool { return g.now("allow") == 2 })
		waitState(t, r, passed, asynq.TaskStateCompleted)
		records, _ := b.Logs(t.Context(), hooks.LogFilter{Event: passed})
		if len(records) != 1 || records[0].Status != hooks.StatusRejected || records[0].Error.Code != hooks.CodeOverlap || records[0].Name != "skip" {
			t.Errorf("%+v", records)
		}
		q := NewQueue(r)
		defer q.Close()
		late := tickID("a", "skip", now)
		if err := q.put(t.Context(), late, "a", "skip", payload{At: now, Created: now, Late: true}, asynq.Retention(time.Hour)); err != nil {
			t.Fatal(err)
		}
		waitState(t, r, late, asynq.TaskStateRetry)
		for range 3 {
			g.release <- struct{}{}
		}
		await(t, "the run that waited", func() bool { return g.now("skip") == 1 })
		g.release <- struct{}{}
		info := waitState(t, r, late, asynq.TaskStateCompleted)
		if info.Retried != 0 {
			t.Errorf("waiting counts as %d failures", info.Retried)
		}
		if g.most["skip"] != 1 || g.most["allow"] != 2 {
			t.Errorf("at once: %v", g.most)
		}
	})
}

// TestConcurrency: of a job with a bound no more run at once, whatever they were ordered by, on all servers together.
func TestConcurrency(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(hooks.Job{Name: "two", Concurrency: 2, Overlap: hooks.OverlapAllow})
		g := newGated()
		for range 2 {
			run(t, func(ctx context.Context) error {
				return Serve(ctx, r, g, Options{Tables: tables, Log: new(logs).logger()})
			})
		}
		q := NewQueue(r)
		defer q.Close()
		const total = 6
		for range total {
			if _, _, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "two"}); err != nil {
				t.Fatal(err)
			}
		}
		await(t, "two runs", func() bool { return g.now("two") == 2 })
		for range total {
			g.release <- struct{}{}
		}
		await(t, "all runs", func() bool { return g.done() == total })
		if g.most["two"] != 2 {
			t.Errorf("%d ran at once", g.most["two"])
		}
	})
}

// TestRetries: a run that fails is tried again as the job says, and then archived; somebody can have it run again, with all
// its attempts.
func TestRetries(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		tables := jobsOf(
			hooks.Job{Name: "thrice", Retry: hooks.Retry{Attempts: 3, Backoff: hooks.BackoffConstant, Min: time.Millisecond}},
			hooks.Job{Name: "once"},
		)
		h := newHandler()
		h.verdict = func(e *hooks.Event) hooks.Verdict { return hooks.Stop(hooks.Errorf(hooks.CodeHookError, "no luck")) }
		var l logs
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
		once, thrice := enqueue(t, r, "once"), enqueue(t, r, "thrice")
		waitState(t, r, once, asynq.TaskStateArchived)
		info := waitState(t, r, thrice, asynq.TaskStateArchived)
		if info.Retried != 2 || info.LastErr != "HOOK_ERROR: no luck" {
			t.Errorf("%+v", info)
		}
		attempts := map[string][]int{}
		for len(h.events) > 0 {
			e := <-h.events
			attempts[e.Operation] = append(attempts[e.Operation], e.Attempt)
			var info jobInfo
			if json.Unmarshal(e.Job, &info) != nil || info.Attempt != e.Attempt {
				t.Errorf("job %s of attempt %d", e.Job, e.Attempt)
			}
		}
		if len(attempts["once"]) != 1 || len(attempts["thrice"]) != 3 || attempts["thrice"][2] != 3 {
			t.Errorf("%v", attempts)
		}
		q := NewQueue(r)
		defer q.Close()
		task, err := q.Task(t.Context(), "a", thrice)
		if err != nil || task.State != hooks.TaskArchived || task.Attempts != 3 || task.Error != "HOOK_ERROR: no luck" || task.FailedAt == nil {
			t.Errorf("%+v, %v", task, err)
		}
		h.verdict = nil
		if err := q.Retry(t.Context(), "a", thrice); err != nil {
			t.Fatal(err)
		}
		waitState(t, r, thrice, asynq.TaskStateCompleted)
		if got := l.String(); strings.Contains(got, "secret") || strings.Contains(got, "panic") {
			t.Error(got)
		}
	})
}

// TestPausedAndUnknownJobs: ticks of a job that is switched off are passed over, orders wait; a job that is not known may be
// about to be.
func TestPausedAndUnknownJobs(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		release := &hooks.Release{App: "a", Number: 1, Jobs: []hooks.Job{{Name: "off", Schedule: "@daily", Timezone: "UTC"}}}
		tables := set(&hooks.Tables{}, hooks.Source{Release: release, State: hooks.State{DisabledJobs: []string{"off"}}}.Table())
		h := newHandler()
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: tables, Log: new(logs).logger()})
		})
		q := NewQueue(r)
		defer q.Close()
		tick := enqueue(t, r, "off")
		order, _, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "off", ID: "order"})
		if err != nil {
			t.Fatal(err)
		}
		soon, _, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "soon"})
		if err != nil {
			t.Fatal(err)
		}
		waitState(t, r, tick, asynq.TaskStateCompleted)
		waitState(t, r, fullID("a", order), asynq.TaskStateRetry)
		waitState(t, r, fullID("a", soon), asynq.TaskStateRetry)
		release.Jobs = append(release.Jobs, hooks.Job{Name: "soon", Schedule: hooks.Manual, Timezone: "UTC"})
		set(tables, hooks.NewTable(release))
		h.next(t, "soon")
		if err := q.Retry(t.Context(), "a", order); err != nil {
			t.Fatal(err)
		}
		h.next(t, "off")
	})
}
