package e2e

import (
	"context"
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
)

// natsArgs are the arguments of a nats-server with the configuration that operators get, its streams in a folder of the
// test's own; port -1 is a free one.
func natsArgs(t *testing.T, port string) []string {
	t.Helper()
	const file, storeDir = "../deploy/nats.conf", `"/var/lib/nats"`
	conf, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(conf), storeDir) {
		t.Fatalf("%s has no %s", file, storeDir)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "nats.conf")
	writeFile(t, path, strings.Replace(string(conf), storeDir, strconv.Quote(dir), 1))
	return []string{"-c", path, "-p", port, "-m", "-1"}
}

// startNATS starts a NATS server of the test's own and returns its URL.
func startNATS(t *testing.T) string {
	t.Helper()
	const listens = "Listening for client connections on "
	s := start(t, nil, "nats-server", natsArgs(t, "-1")...)
	line := s.err.await(t, "NATS server", func(line string) bool { return strings.Contains(line, listens) })
	_, addr, _ := strings.Cut(line, listens)
	return "nats://" + addr
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
	addr := freeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	args := natsArgs(t, port)
	return newMortal(t, &mortal{name: "NATS", addr: addr, ready: dials(addr), command: func() *exec.Cmd {
		return exec.Command(filepath.Join(bin, "nats-server"), args...)
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
