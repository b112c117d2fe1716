package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// ownPostgres is a PostgreSQL that a test may kill and start again.
type ownPostgres struct {
	bin, dir, port string
	as             *syscall.SysProcAttr
	running        *exec.Cmd
}

func newPostgres(t *testing.T) *ownPostgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil || len(found) == 0 {
		t.Fatal("no PostgreSQL is installed: run ./test", err)
	}
	p := &ownPostgres{bin: found[len(found)-1], port: freePort(t), as: &syscall.SysProcAttr{}}
	if p.dir, err = os.MkdirTemp("", "gaff-pg-"); err != nil { //nolint:usetesting // another user must get there
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(p.dir) })
	if os.Geteuid() == 0 { // it refuses to run as root
		postgres, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(postgres.Uid)
		gid, _ := strconv.Atoi(postgres.Gid)
		p.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(p.dir, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	p.run(t, "initdb", "-D", "data", "-U", "postgres", "--auth=trust", "--no-sync").Wait()
	p.start(t)
	t.Cleanup(p.kill)
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func (p *ownPostgres) run(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(p.bin, program), args...)
	attr := *p.as
	attr.Setpgid = true
	cmd.Dir, cmd.SysProcAttr = p.dir, &attr
	cmd.Stdout, cmd.Stderr = &bytes.Buffer{}, &bytes.Buffer{}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func (p *ownPostgres) start(t *testing.T) {
	t.Helper()
	p.running = p.run(t, "postgres", "-D", "data", "-p", p.port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
}

// kill ends the server and all that it has started, without a warning.
func (p *ownPostgres) kill() {
	syscall.Kill(-p.running.Process.Pid, syscall.SIGKILL)
	p.running.Wait()
}

// TestPostgresKilledInMacros: of 1,000 transactional macros, during which the server is killed, each is whole or absent,
// those that succeeded are there, and the server is used again within 5 s of its return.
func TestPostgresKilledInMacros(t *testing.T) {
	t.Parallel()
	p := newPostgres(t)
	s, err := Open([]Config{{"postgres", "postgres://postgres@127.0.0.1:" + p.port + "/postgres"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	await(t, s)
	must(t, s, statement(Postgres, "create table pair (id int, half int, primary key (id, half))", ""))
	const body = `[{"sql":"insert into pair values ($1, 1)","params":["{0}"]},{"sql":"insert into pair values ($1, 2)","params":["{0}"]}]`
	const calls = 1000
	outcome := make([]error, calls)
	var next, done atomic.Int64
	killed := make(chan struct{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for i := next.Add(1) - 1; i < calls; i = next.Add(1) - 1 {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				_, outcome[i] = s.Do(ctx, macro(Postgres, body, fmt.Sprintf(`{"args":[%d]}`, i)))
				cancel()
				if done.Add(1) == calls/3 {
					p.kill()
					close(killed)
				}
			}
		})
	}
	<-killed
	p.start(t)
	callers.Wait()
	back := time.Now()
	await(t, s)
	if took := time.Since(back); took > 5*time.Second {
		t.Errorf("back only after %v", took)
	}
	var result struct{ Rows []struct{ ID, N int } }
	raw := must(t, s, statement(Postgres, "select id, count(*)::int n from pair group by id", ""))
	if err := json.Unmarshal([]byte(raw), &result); err != nil {
		t.Fatal(err)
	}
	whole := map[int]bool{}
	for _, row := range result.Rows {
		if whole[row.ID] = true; row.N != 2 {
			t.Errorf("call %d left %d halves", row.ID, row.N)
		}
	}
	failed := 0
	for i, err := range outcome {
		e, _ := errors.AsType[*Error](err)
		switch {
		case err == nil && !whole[i]:
			t.Errorf("call %d succeeded and is absent", i)
		case err != nil:
			if failed++; e.Code != Unavailable && e.Details["outcome"] != "unknown" || e.Code == Unavailable && whole[i] {
				t.Errorf("call %d: %v %v, whole %v", i, e, e.Details, whole[i])
			}
		}
	}
	if failed == 0 {
		t.Error("the server was killed and no call failed")
	}
	t.Logf("%d of %d calls failed", failed, calls)
}

// await waits until the server answers.
func await(t *testing.T, s *Services) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for ctx := within(t, 60*time.Second); ; {
		if _, err := s.Do(ctx, statement(Postgres, "select 1", "")); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the server does not come up")
		}
	}
}
