package queue

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gaff/hooks"
)

// These variables make the test binary another process: a worker, for the server's URL and prefix of its value, or a
// server, which keeps its streams in the folder of its value.
const (
	workerVariable = "GAFF_TEST_WORKER"
	serverVariable = "GAFF_TEST_SERVER"
)

// childServer serves until it is killed.
func childServer() int {
	s, err := StartServer(ServerConfig{Addr: "127.0.0.1:0", Dir: os.Getenv(serverVariable)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(s.URL())
	select {}
}

// childWorker answers asks after a few milliseconds until it is killed.
func childWorker() int {
	url, prefix, _ := strings.Cut(os.Getenv(workerVariable), " ")
	ctx := context.Background()
	c, err := Connect(ctx, Config{URL: url, Prefix: prefix, LogMaxBytes: 64 << 20})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	slow := hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		pause(ctx, 5*time.Millisecond)
		return echo(ctx, e)
	})
	go func() {
		c.nc.Flush()
		fmt.Println("ready")
	}()
	if err := Serve(ctx, c, slow, hooks.NewPool(16, 8192), ServeOptions{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startChild starts this binary as another process and returns the first line that it prints.
func startChild(t *testing.T, role string) (*os.Process, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("%s did not start", role)
	}
	return cmd.Process, lines.Text()
}

// A worker that is killed with asks in hand fails none of them: the gate asks the other one.
func TestKilledWorkerFailsNoCall(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	worker := workerVariable + "=" + shared + " " + c.config.Prefix
	victim, _ := startChild(t, worker)
	startChild(t, worker)

	const calls = 2000
	var answered atomic.Int64
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			want := fmt.Sprintf(`{"n":%d}`, i)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			v, err := g.Ask(ctx, call(want))
			if err != nil || v.Stopped() || string(v.Message) != want {
				t.Errorf("ask %d: %v, %v, message %s", i, v.Error, err, v.Message)
			}
			answered.Add(1)
		})
	}
	await(t, "some are answered", func() bool { return answered.Load() > 100 })
	if err := victim.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	atKill := answered.Load()
	wg.Wait()
	t.Logf("%d of %d were answered when the worker was killed", atKill, calls)
	if atKill == calls {
		t.Error("the worker was killed too late to show anything")
	}
}

// What a stream has acknowledged is there after its server was killed in the midst of publishing.
func TestKilledServerKeepsAcknowledgedEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim, url := startChild(t, serverVariable+"="+dir)
	c := connect(t, Config{URL: url})
	g := newGate(t, c, tables())
	acknowledged := map[string]bool{}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for batch := 0; ctx.Err() == nil; batch++ {
		events := make([]*hooks.Event, 100)
		for i := range events {
			events[i] = told(fmt.Sprintf("%d-%d", batch, i))
		}
		if batch == 20 {
			time.AfterFunc(time.Millisecond, func() { victim.Kill() })
		}
		for i, err := range g.PublishAll(ctx, events) {
			if err == nil {
				acknowledged[events[i].ID] = true
			}
		}
		if batch == 25 {
			break
		}
	}

	s, err := StartServer(ServerConfig{Addr: strings.TrimPrefix(url, "nats://"), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown()
	var seen collector
	stop := consume(t, connect(t, Config{URL: url, Prefix: c.config.Prefix}), &seen, ConsumeOptions{})
	await(t, "every acknowledged event", func() bool {
		seen.mu.Lock()
		defer seen.mu.Unlock()
		for id := range acknowledged {
			if seen.seen[id] == 0 {
				return false
			}
		}
		return true
	})
	stop()
	t.Logf("%d acknowledged, %d there", len(acknowledged), seen.count())
}
