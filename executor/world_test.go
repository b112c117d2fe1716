package executor_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// bin is the folder of the built worker.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "gaff-executor-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(bin)
		if out, err := exec.Command("go", "build", "-o", bin+"/", "gaff/cmd/worker").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// world is a NATS server, a Redis and a worker with its executors, and a gate to it.
type world struct {
	t        *testing.T
	url      string
	conn     *queue.Conn
	gate     *queue.Gate
	releases *queue.Releases
	tables   *hooks.Tables
	changed  chan struct{}
	redis    string   // its URL
	env      []string // of the worker, without what the test says
	worker   *exec.Cmd
	log      *output
}

// newWorld starts everything, with a project whose files are given.
func newWorld(t *testing.T, files map[string]string, env ...string) *world {
	t.Helper()
	return newWorldOf(t, []map[string]string{files}, env...)
}

// newWorldOf is newWorld with a project for each of several apps.
func newWorldOf(t *testing.T, projects []map[string]string, env ...string) *world {
	t.Helper()
	w := &world{t: t, tables: &hooks.Tables{}, changed: make(chan struct{}, 1), log: &output{}}
	server, err := queue.StartServer(queue.ServerConfig{Addr: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	w.url = server.URL()
	ctx, stop := context.WithCancel(context.Background())
	redis, err := tasks.StartEmbedded(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); redis.Close() })
	w.conn, err = queue.Connect(ctx, queue.Config{URL: w.url, Log: slog.New(slog.DiscardHandler), LogMaxBytes: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.conn.Close)
	w.releases = queue.NewReleases(w.conn)
	for _, files := range projects {
		w.apply(files)
	}
	w.follow()
	w.redis = redis.URL
	w.env = []string{
		"PATH=" + os.Getenv("PATH"), "GAFF_NATS_URL=" + w.url, "GAFF_REDIS_URL=" + redis.URL,
		"GAFF_SQLITE_PATH=" + filepath.Join(t.TempDir(), "d.db"),
	}
	w.start(env)
	return w
}

// apply makes the files the app's release.
func (w *world) apply(files map[string]string) {
	w.t.Helper()
	release, err := hooks.LoadProject(files)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := w.releases.Apply(w.t.Context(), release, hooks.ApplyOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

// follow keeps the tables of the gate current.
func (w *world) follow() {
	ctx, stop := context.WithCancel(context.Background())
	done, ready := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		w.releases.Watch(ctx, w.tables, func(*hooks.Table) {
			select {
			case w.changed <- struct{}{}:
			default:
			}
		}, func() { close(ready) })
	}()
	w.t.Cleanup(func() { stop(); <-done })
	<-ready
	gate, err := queue.NewGate(w.conn, w.tables)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(gate.Close)
	w.gate = gate
}

// start starts the worker and waits until it answers.
func (w *world) start(env []string) {
	w.t.Helper()
	w.worker, _ = w.startWorker(w.log, env...)
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	if err := w.conn.Served(ctx); err != nil {
		w.t.Fatalf("the worker does not answer: %v", err)
	}
	w.await("an executor with the release", func() bool {
		return strings.Contains(w.log.tail(1<<20), "release is live")
	})
}

// startWorker starts a worker, which ends with the test, or when stop is called.
func (w *world) startWorker(log *output, env ...string) (worker *exec.Cmd, stop func()) {
	w.t.Helper()
	worker = exec.Command(filepath.Join(bin, "worker"))
	worker.Env = append(slices.Clone(w.env), env...)
	worker.Stderr = log
	if err := worker.Start(); err != nil {
		w.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		worker.Wait()
		close(exited)
	}()
	stop = sync.OnceFunc(func() {
		worker.Process.Signal(syscall.SIGTERM)
		select {
		case <-exited:
		case <-time.After(40 * time.Second):
			worker.Process.Kill()
			<-exited
			w.t.Error("the worker did not stop")
		}
	})
	w.t.Cleanup(func() {
		stop()
		if w.t.Failed() || testing.Verbose() {
			w.t.Logf("worker:\n%s", log.tail(1<<20))
		}
	})
	return worker, stop
}

// ask asks the hooks of a call on the service, with the message, and the time given.
func (w *world) ask(service, message string, within time.Duration) (hooks.Verdict, time.Duration) {
	e := &hooks.Event{
		App: "default", Service: service, Operation: "POST", Phase: hooks.Before, Payload: hooks.Payload{Message: []byte(message)},
	}
	started := time.Now()
	if within > 0 {
		e.Deadline = started.Add(within)
	}
	v, err := w.gate.Ask(w.t.Context(), e)
	if err != nil {
		w.t.Errorf("ask %s: %v", service, err)
	}
	return v, time.Since(started)
}

// await waits until ok holds, for at most 3 minutes: the machine may be busy.
func (w *world) await(what string, ok func() bool) {
	w.t.Helper()
	w.awaitEvery(10*time.Millisecond, what, ok)
}

func (w *world) awaitEvery(pause time.Duration, what string, ok func() bool) {
	w.t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for deadline := time.Now().Add(3 * time.Minute); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within 3 min: %s", what)
		}
	}
}

// output is what a process writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

// tail is the end of what was written, at most n bytes.
func (o *output) tail(n int) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	b := o.buf.Bytes()
	return string(b[max(0, len(b)-n):])
}

// long reports whether tests should take their time.
func long() bool { return os.Getenv("GAFF_TEST_LONG") == "1" }
