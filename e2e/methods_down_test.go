package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ownRedis starts a Redis that a test may end, and returns its port.
func ownRedis(t *testing.T, port string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("redis-server", "--port", port, "--save", "", "--busy-reply-threshold", "200", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
	})
	return cmd
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

// TestMethodsOnServerThatFails has Redis run away, go and come back: each call has its code soon, and a server that is
// back serves within 5 s.
func TestMethodsOnServerThatFails(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	first := ownRedis(t, port)
	d := startMethods(t, "GAFF_SERVICE_REDIS=redis://127.0.0.1:"+port)
	d.change(t, "methods/broken.lua", "while true do end\n")
	ping := func() answer { return d.rpc(t, "redis", "call", `{"command":"PING"}`) }
	d.eventually(t, "POST", "/rpc", `{"requestId":"r1","service":"redis","method":"call","payload":{"command":"PING"}}`,
		func(a answer) bool { return a.status == 200 })

	var began time.Time
	a := poll(t, "the worker that answers has the script that runs away", func() (answer, bool) {
		began = time.Now()
		a := d.do(t, "POST", "/rpc", `{"requestId":"r1","service":"redis","method":"broken","payload":{}}`, "Gaff-Deadline", "500")
		return a, a.status != 502
	})
	a.want(t, 504, `"code":"HOOK_TIMEOUT"`)
	d.eventually(t, "POST", "/rpc", `{"requestId":"r1","service":"redis","method":"call","payload":{"command":"PING"}}`,
		func(a answer) bool { return a.status == 200 })
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the script held Redis for %v", took)
	}

	first.Process.Signal(syscall.SIGKILL)
	first.Wait()
	began = time.Now()
	for range 5 {
		if a := ping(); a.status != 503 || !strings.Contains(a.body, `"code":"UNAVAILABLE"`) {
			if !strings.Contains(a.body, `"outcome":"unknown"`) { // of a connection that was not yet known to be broken
				t.Errorf("down: %d %s", a.status, a.body)
			}
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("five refusals took %v", took)
	}
	ownRedis(t, port)
	back := time.Now()
	d.eventually(t, "POST", "/rpc", `{"requestId":"r1","service":"redis","method":"call","payload":{"command":"PING"}}`,
		func(a answer) bool { return a.status == 200 })
	if took := time.Since(back); took > 5*time.Second {
		t.Errorf("back only after %v", took)
	}
	for range 20 {
		ping().want(t, 200, `"result":"PONG"`)
	}
	if a := d.rpc(t, "postgres", "query", `{"sql":"select 1 v"}`); a.status != 200 {
		t.Errorf("another service: %s", fmt.Sprint(a))
	}
}
