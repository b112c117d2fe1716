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

// workerVariable makes the test binary a worker: its value is a server's URL and a prefix.
const workerVariable = "GAFF_TEST_WORKER"

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
	if err := Serve(ctx, c, slow, hooks.NewPool(16, 8192)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// startChild starts a worker process.
func startChild(t *testing.T, prefix string) *os.Process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerVariable+"="+shared+" "+prefix)
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
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("the worker did not start")
	}
	return cmd.Process
}

// A worker that is killed with asks in hand fails none of them: the gate asks the other one.
func TestKilledWorkerFailsNoCall(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	victim := startChild(t, c.config.Prefix)
	startChild(t, c.config.Prefix)

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
