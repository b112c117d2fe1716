package tasks

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"gaff/hooks"
)

// redisProcess starts redis-server with the arguments; it is killed at the latest when the test ends.
func redisProcess(t *testing.T, ready string, args ...string) (kill func()) {
	t.Helper()
	cmd := exec.Command("redis-server", args...)
	cmd.Dir = t.TempDir()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(kill)
	var said strings.Builder
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fmt.Fprintln(&said, lines.Text())
		if strings.Contains(lines.Text(), ready) {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return kill
		}
	}
	t.Fatalf("Redis does not start:\n%s", said.String())
	return nil
}

func portOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// works checks that ticks and orders run on a Redis, and go on after disturb.
func works(t *testing.T, r Redis, disturb func()) {
	t.Helper()
	tables := jobsOf(hooks.Job{Name: "fast", Schedule: "@every 1s", Missed: hooks.MissedAll}, hooks.Job{Name: "order", Concurrency: 1})
	h := newHandler()
	var l logs
	stopServer := run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
	stopScheduler := run(t, NewScheduler(r, tables, l.logger()).Run)
	h.next(t, "fast")
	disturb()
	since := time.Now()
	for h.next(t, "fast").Before(since) {
	}
	q := NewQueue(r)
	defer q.Close()
	if _, _, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "order"}); err != nil {
		t.Fatal(err)
	}
	h.nextOrder(t)
	if _, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a"}); err != nil {
		t.Error(err)
	}
	for _, f := range r.Doctor(t.Context()) {
		if strings.Contains(f.Name, "server") || strings.Contains(f.Name, "permissions") && !f.OK {
			t.Errorf("%+v", f)
		}
	}
	stopScheduler()
	stopServer()
}

// nextOrder waits for the run of an order.
func (h *handler) nextOrder(t *testing.T) {
	t.Helper()
	for late := time.After(patience); ; {
		select {
		case e := <-h.events:
			if e.Operation == "order" {
				return
			}
		case <-late:
			t.Fatal("the order does not run")
		}
	}
}

// TestSentinel has the sentinels make a replica the master when the master dies.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master, replica, sentinel := freeAddr(t), freeAddr(t), freeAddr(t)
	kill := redisProcess(t, "Ready to accept connections", "--port", portOf(t, master), "--bind", "127.0.0.1", "--save", "")
	redisProcess(t, "MASTER <-> REPLICA sync: Finished with success", "--port", portOf(t, replica), "--bind", "127.0.0.1", "--save", "",
		"--replicaof", "127.0.0.1", portOf(t, master))
	config := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %s 1\nsentinel down-after-milliseconds main 500\n"+
		"sentinel failover-timeout main 3000\n", portOf(t, sentinel), portOf(t, master))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	redisProcess(t, "+slave slave", config, "--sentinel") // it knows of the replica
	r, err := ParseRedis("redis-sentinel://"+sentinel+"?master=main", "gaff")
	if err != nil {
		t.Fatal(err)
	}
	works(t, r, kill)
}

// TestCluster has the keys of two installations on the two nodes of a cluster, of which one is named in the URL.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := []string{freeAddr(t), freeAddr(t)}
	var clients []*redis.Client
	for i, addr := range nodes {
		bus := portOf(t, freeAddr(t))
		redisProcess(t, "Ready to accept connections", "--port", portOf(t, addr), "--bind", "127.0.0.1", "--save", "",
			"--cluster-enabled", "yes", "--cluster-port", bus)
		client := redis.NewClient(&redis.Options{Addr: addr})
		t.Cleanup(func() { client.Close() })
		clients = append(clients, client)
		if err := client.Do(t.Context(), "CLUSTER", "ADDSLOTSRANGE", i*8192, i*8192+8191).Err(); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			if err := clients[0].Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", portOf(t, addr), bus).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	await(t, "the cluster", func() bool {
		for _, c := range clients {
			if !strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_state:ok") ||
				!strings.Contains(c.ClusterInfo(t.Context()).Val(), "cluster_known_nodes:2") {
				return false
			}
		}
		return true
	})
	halves := map[bool]bool{}
	for i := 0; len(halves) < 2; i++ {
		r, err := ParseRedis("redis-cluster://"+nodes[0], fmt.Sprint("gaff", i))
		if err != nil {
			t.Fatal(err)
		}
		first := clients[0].ClusterKeySlot(t.Context(), r.key("x")).Val() < 8192
		if halves[first] {
			continue
		}
		halves[first] = true
		t.Run(fmt.Sprint("node of the URL ", first), func(t *testing.T) { works(t, r, func() {}) })
	}
}
