package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/cmd/process"
	"gaff/executor"
	"gaff/queue"
)

// roleVariable makes the test binary one of the processes of a benchmark, so that client, server and worker are as
// separate as they are in use.
const roleVariable = "BENCH_ROLE"

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if executor.Child() { // a worker starts its own program for each
		os.Exit(process.Main(context.Background(), executor.Name, process.Worker, nil, os.Environ(), os.Stderr))
	}
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "nats":
		os.Exit(serveNATS(ctx))
	case "echo":
		os.Exit(serveEcho(ctx))
	case "acker":
		os.Exit(serveAcker(ctx))
	case "direct":
		os.Exit(serveDirect(ctx))
	case "worker", "enqueuer":
		roles := map[string]process.Role{"worker": process.Worker, "enqueuer": process.Enqueuer}
		os.Unsetenv(roleVariable)
		os.Exit(process.Main(context.Background(), role, roles[role], nil, os.Environ(), os.Stderr))
	}
}

func serveNATS(ctx context.Context) int {
	server, err := queue.StartServer(queue.ServerConfig{Addr: "127.0.0.1:0", Dir: os.Getenv("BENCH_DIR"), SyncAlways: os.Getenv("BENCH_SYNC") != ""})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.WriteFile(filepath.Join(os.Getenv("BENCH_DIR"), "url"), []byte(server.URL()), 0o600)
	<-ctx.Done()
	server.Shutdown()
	return 0
}

func serveEcho(ctx context.Context) int {
	nc, err := nats.Connect(os.Getenv("BENCH_NATS"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer nc.Close()
	nc.QueueSubscribe("echo", "echo", func(m *nats.Msg) { nc.Publish(m.Reply, m.Data) })
	<-ctx.Done()
	return 0
}

// startRole starts this binary as another process until it is stopped or the benchmark ends.
func startRole(b *testing.B, role string, env ...string) (stop func()) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	// The collector is set as deploy/compose.yaml sets it for the server, and a worker for itself.
	cmd.Env = append([]string{roleVariable + "=" + role, "PATH=" + os.Getenv("PATH"), "GOGC=400"}, env...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	b.Cleanup(stop)
	return stop
}

// startNATS starts a NATS server process, told more by env, and returns its URL.
func startNATS(b *testing.B, env ...string) string {
	b.Helper()
	dir := b.TempDir()
	startRole(b, "nats", append(env, "BENCH_DIR="+dir)...)
	for range 1000 {
		if url, err := os.ReadFile(filepath.Join(dir, "url")); err == nil && len(url) > 0 {
			return strings.TrimSpace(string(url))
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("the NATS server did not start")
	return ""
}
