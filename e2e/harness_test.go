// Package e2e drives the built programs the way their users do: over HTTP, over NATS, by the command line, with
// signals. The same suite runs against gaff dev and against an enqueuer with three workers on real servers.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// bin is the folder of the built programs.
var bin string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "gaff-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(bin)
		build := exec.Command("go", "build", "-o", bin+"/", "gaff/cmd/gaff", "gaff/cmd/worker", "gaff/cmd/enqueuer",
			"github.com/nats-io/nats-server/v2") // a server without the race detector's cost
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
			return 1
		}
		return m.Run()
	}())
}

// program is a started process of ours.
type program struct {
	cmd    *exec.Cmd
	out    *lines // standard output
	err    *lines // standard error
	exited chan struct{}
}

func start(t *testing.T, env []string, name string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(filepath.Join(bin, name), args...), out: newLines(), err: newLines(), exited: make(chan struct{})}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.err
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGKILL)
		<-p.exited
		if t.Failed() {
			t.Logf("%s %v\nstdout:\n%s\nstderr:\n%s", name, args, p.out.String(), p.err.String())
		}
	})
	return p
}

func (p *program) signal(s os.Signal) { p.cmd.Process.Signal(s) } // an error means that it is gone, which is fine

// stop sends s and waits until the process is gone.
func (p *program) stop(t *testing.T, s os.Signal) {
	t.Helper()
	p.signal(s)
	select {
	case <-p.exited:
	case <-time.After(30 * time.Second):
		t.Fatalf("not gone 30 s after %v", s)
	}
}

// lines collects what a process writes, and can be waited on.
type lines struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{}
}

func newLines() *lines { return &lines{changed: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.buf.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// await returns the first line that match accepts.
func (l *lines) await(t *testing.T, what string, match func(line string) bool) string {
	t.Helper()
	deadline := time.After(60 * time.Second)
	for {
		l.mu.Lock()
		text, changed := l.buf.String(), l.changed
		l.mu.Unlock()
		for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
			if match(s.Text()) {
				return s.Text()
			}
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("no %s in:\n%s", what, text)
		}
	}
}

// gaff runs the command line tool to its end.
func gaff(t *testing.T, d *deployment, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "gaff"), args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "GAFF_URL=" + d.url, "GAFF_KEY=" + d.key}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   string
}

// at returns the JSON value at a dotted path of the body, or nil.
func (a answer) at(path string) any {
	var v any
	if json.Unmarshal([]byte(a.body), &v) != nil {
		return nil
	}
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			var i int
			if fmt.Sscan(name, &i); i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func (d *deployment) try(ctx context.Context, method, path, body string, header ...string) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, d.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if d.key != "" {
		req.Header.Set("X-Apikey", d.key)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

func (d *deployment) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	a, err := d.try(t.Context(), method, path, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eventually asks until ok accepts the answer.
func (d *deployment) eventually(t *testing.T, method, path, body string, ok func(answer) bool) answer {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		a := d.do(t, method, path, body)
		if ok(a) {
			return a
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s %s: still %d %s", method, path, a.status, a.body)
		}
	}
}
