package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"go.uber.org/goleak"

	"gaff/hooks"
)

func TestMain(m *testing.M) {
	LogRedis(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

const patience = 30 * time.Second

// redisURLs returns the real Redis and an embedded one.
func redisURLs(t *testing.T) map[string]string {
	t.Helper()
	url := os.Getenv("GAFF_TEST_REDIS_URL")
	if url == "" {
		t.Fatal("GAFF_TEST_REDIS_URL is not set: run ./test, which starts a Redis")
	}
	e, err := StartEmbedded(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return map[string]string{"redis": url, "embedded": e.URL}
}

// onEach runs a test on each kind of Redis, in a queue of its own.
func onEach(t *testing.T, test func(t *testing.T, r Redis)) {
	t.Parallel()
	for name, url := range redisURLs(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, own(t, url))
		})
	}
}

// own returns the Redis with a queue that is the test's own and goes with it.
func own(t *testing.T, url string) Redis {
	t.Helper()
	r, err := ParseRedis(url, fmt.Sprintf("test%d", rand.Uint64()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client := r.impatient()
		defer client.Close()
		for _, key := range client.Keys(context.Background(), r.key("*")).Val() {
			client.Del(context.Background(), key)
		}
		inspector := asynq.NewInspectorFromRedisClient(client)
		if err := inspector.DeleteQueue(r.queue(), true); err != nil && !errors.Is(err, asynq.ErrQueueNotFound) {
			t.Error(err)
		}
	})
	return r
}

// logs collects log lines.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logs) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// run has a service run until the returned function stops it and waits for it; the test stops it at the latest.
func run(t *testing.T, service func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- service(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("it does not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}

// handler hands events to the test.
type handler struct {
	events  chan *hooks.Event
	verdict func(*hooks.Event) hooks.Verdict
}

func newHandler() *handler {
	return &handler{events: make(chan *hooks.Event, 1000)}
}

func (h *handler) Handle(_ context.Context, e *hooks.Event) hooks.Verdict {
	h.events <- e
	if h.verdict != nil {
		return h.verdict(e)
	}
	return hooks.GoOn()
}

// next returns the tick of the next event that a job named name causes.
func (h *handler) next(t *testing.T, name string) time.Time {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case e := <-h.events:
			if e.Operation == name {
				return tickOf(t, e)
			}
		case <-late:
			t.Fatalf("%s does not run", name)
		}
	}
}

func tickOf(t *testing.T, e *hooks.Event) time.Time {
	t.Helper()
	var info jobInfo
	if err := json.Unmarshal(e.Job, &info); err != nil {
		t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, info.ScheduledAt)
	if err != nil || info.ID != e.ID || info.Name != e.Operation {
		t.Fatalf("job %s: %v", e.Job, err)
	}
	return at
}

// tablesOf returns tables with one release that has the jobs, by name: the schedule.
func tablesOf(app string, jobs map[string]string) *hooks.Table {
	r := &hooks.Release{App: app, Number: 1}
	for name, schedule := range jobs {
		r.Jobs = append(r.Jobs, hooks.Job{Name: name, Schedule: schedule, Timezone: "UTC", Timeout: time.Second, Overlap: hooks.OverlapAllow})
	}
	return hooks.NewTable(r)
}

func set(ts *hooks.Tables, tables ...*hooks.Table) *hooks.Tables {
	for _, table := range tables {
		ts.Set(table)
	}
	return ts
}

// jobsOf returns tables of the app a with the jobs.
func jobsOf(jobs ...hooks.Job) *hooks.Tables {
	for i := range jobs {
		jobs[i].Timezone = "UTC"
		if jobs[i].Schedule == "" {
			jobs[i].Schedule = "@daily"
		}
	}
	return set(&hooks.Tables{}, hooks.NewTable(&hooks.Release{App: "a", Number: 1, Jobs: jobs}))
}
