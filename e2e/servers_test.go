package e2e

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats-server/v2/server"
)

// natsVariable makes the test binary a NATS server: its value is a port and the folder of its streams.
const natsVariable = "GAFF_E2E_NATS"

// serveNATS serves, with the configuration that operators get, until it is killed.
func serveNATS() int {
	port, dir, _ := strings.Cut(os.Getenv(natsVariable), " ")
	options, err := server.ProcessConfigFile("../deploy/nats.conf")
	if err == nil {
		options.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	options.HTTPPort, options.StoreDir, options.NoLog = 0, dir, true
	s, err := server.NewServer(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Start()
	s.WaitForShutdown()
	return 0
}

// mortal is a server that a test kills and starts again.
type mortal struct {
	name    string
	addr    string
	command func() *exec.Cmd
	ready   func(context.Context) error
	cmd     *exec.Cmd
}

func (m *mortal) start(t *testing.T) {
	t.Helper()
	m.cmd = m.command()
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(60 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for err := m.ready(t.Context()); err != nil; err = m.ready(t.Context()) {
		if time.Now().After(deadline) {
			t.Fatalf("%s does not start: %v", m.name, err)
		}
		<-tick.C
	}
}

// kill ends the server without a word; PostgreSQL is told to end at once, as its own way to crash all its processes.
func (m *mortal) kill() {
	if m.name == "PostgreSQL" {
		m.cmd.Process.Signal(syscall.SIGQUIT)
	} else {
		m.cmd.Process.Kill()
	}
	m.cmd.Wait()
}

func (m *mortal) restart(t *testing.T) {
	t.Helper()
	m.kill()
	m.start(t)
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

func dials(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			c.Close()
		}
		return err
	}
}

func newMortal(t *testing.T, m *mortal) *mortal {
	t.Helper()
	m.start(t)
	t.Cleanup(m.kill)
	return m
}

func newMortalNATS(t *testing.T) *mortal {
	t.Helper()
	addr, dir := freeAddr(t), t.TempDir()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return newMortal(t, &mortal{name: "NATS", addr: addr, ready: dials(addr), command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), natsVariable+"="+port+" "+dir)
		cmd.Stderr = os.Stderr
		return cmd
	}})
}

// newMortalPostgres starts a PostgreSQL of the test's own, which survives a crash of its processes.
func newMortalPostgres(t *testing.T) (m *mortal, database string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		t.Fatal("PostgreSQL is not installed: run ./test, which installs it")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "gaff-e2e-pg-") //nolint:usetesting // another user passes through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var as []string
	if os.Geteuid() == 0 { // it refuses to run as root
		as = []string{"setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"}
		if out, err := exec.Command("chown", "postgres:", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	run := func(args ...string) *exec.Cmd {
		args = append(as[:len(as):len(as)], args...)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = dir
		return cmd
	}
	if out, err := run(bin+"/initdb", "-D", dir+"/data", "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v: %s", err, out)
	}
	addr := freeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Host: addr, Path: "/postgres", RawQuery: "sslmode=disable"}
	m = &mortal{name: "PostgreSQL", addr: addr, command: func() *exec.Cmd {
		return run(bin+"/postgres", "-D", dir+"/data", "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir)
	}, ready: func(ctx context.Context) error {
		conn, err := pgx.Connect(ctx, u.String())
		if err == nil {
			conn.Close(ctx)
		}
		return err
	}}
	return newMortal(t, m), u.String()
}

func newMortalRedis(t *testing.T) *mortal {
	t.Helper()
	addr, dir := freeAddr(t), t.TempDir()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return newMortal(t, &mortal{name: "Redis", addr: addr, ready: dials(addr), command: func() *exec.Cmd {
		return exec.Command("redis-server", "../deploy/redis.conf", "--port", port, "--dir", dir)
	}})
}
