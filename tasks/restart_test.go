package tasks

import (
	"bufio"
	"context"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// redisServer starts a Redis that the test may stop; it keeps what it has in dir.
func redisServer(t *testing.T, addr, dir string) (stop func()) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", "--bind", host, "--port", port, "--dir", dir, "--appendonly", "yes", "--save", "")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return stop
		}
	}
	stop()
	t.Fatal("Redis does not start")
	return nil
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestRedisRestart kills Redis under a scheduler and a server; ticks run again once it is back.
func TestRedisRestart(t *testing.T) {
	t.Parallel()
	addr, dir := freeAddr(t), t.TempDir()
	stopRedis := redisServer(t, addr, dir)
	r, err := ParseRedis("redis://"+addr, "gaff")
	if err != nil {
		t.Fatal(err)
	}
	var l logs
	h := newHandler()
	tables := set(&hooks.Tables{}, tablesOf("a", map[string]string{"fast": "@every 1s", "slow": "@every 20s"}))
	stopServer := run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) })
	stopScheduler := run(t, NewScheduler(r, tables, l.logger()).Run)
	h.next(t, "fast")
	stopRedis()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for late := time.Now().Add(patience); !strings.Contains(l.String(), "ticks wait for Redis"); <-poll.C {
		if time.Now().After(late) {
			t.Fatal("no scheduler has noticed: ", l.String())
		}
	}
	back := time.Now()
	stopRedis = redisServer(t, addr, dir)
	for h.next(t, "fast").Before(back) {
	}
	stopScheduler()
	stopServer()
	stopRedis()
}
