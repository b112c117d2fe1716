package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A worker that is killed in the middle of many gated creates fails none of them.
func TestKilledWorkerFailsNoCall(t *testing.T) {
	t.Parallel()
	d := startCluster(t, copyProject(t))
	creates(t, d, func() { d.workers[0].signal(syscall.SIGKILL) })
}

// A worker that is told to stop answers what it has accepted.
func TestStoppedWorkersDropNoCall(t *testing.T) {
	t.Parallel()
	d := startCluster(t, copyProject(t))
	creates(t, d, func() {
		d.workers[0].signal(syscall.SIGTERM)
		d.workers[1].signal(syscall.SIGTERM)
	})
	for _, w := range d.workers[:2] {
		<-w.exited
		if code := w.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("a stopped worker exits with %d", code)
		}
	}
}

// creates makes 2,000 gated creates, many at once, and calls disturb when a tenth of them has been answered. As many as one
// executor takes in are more than a slow machine answers within the 10 s that a call has.
func creates(t *testing.T, d *deployment, disturb func()) {
	const total = 2000
	atOnce := 200
	if long() {
		atOnce = 800
	}
	places := make(chan struct{}, atOnce)
	var answered, failed atomic.Int64
	var disturbed sync.Once
	var wg sync.WaitGroup
	for i := range total {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			a, err := d.try(t.Context(), "POST", "/rest/customer", fmt.Sprintf(`{"name":"c%d"}`, i))
			if err != nil || a.status != http.StatusCreated || a.at("upper") != fmt.Sprintf("C%d", i) {
				if failed.Add(1) <= 3 {
					t.Errorf("create %d: %v %d %s", i, err, a.status, a.body)
				}
			}
			if answered.Add(1) >= total/10 {
				disturbed.Do(disturb)
			}
		})
	}
	wg.Wait()
	if n := failed.Load(); n > 0 {
		t.Errorf("%d of %d creates failed", n, total)
	}
}

// What was acknowledged survives a restart of gaff dev, and also a kill: documents, the release, the log, and events
// that were not worked off yet.
func TestDevSurvives(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			project := copyProject(t)
			slow := "function afterPOST(req, res) { setTimeout(function () { db.put('/rest/note/' + req.body._id, { done: true }, function () { res.end(); }); }, 1500); }\n"
			writeFile(t, project+"/hooks/note.js", slow)
			insert(t, project+"/gaff.yaml", "hooks:\n", "  - service: note\n    script: hooks/note.js\n")
			d := startDev(t, project)
			id := d.do(t, "POST", "/rest/note", `{"text":"keep me"}`).at("_id").(string)
			d.eventually(t, "POST", "/rest/bad", `{"kind":"throw"}`, func(a answer) bool { return a.status == 500 })
			d.eventually(t, "GET", "/v1/logs?hook=bad", "", func(a answer) bool { return strings.Contains(a.body, "boom") })
			d.all[0].stop(t, signal)

			before := time.Now()
			d = startDev(t, project)
			t.Logf("restart to ready: %v", time.Since(before))
			if a := d.do(t, "GET", "/rest/note/"+id, ""); a.status != http.StatusOK {
				t.Errorf("document: %d %s", a.status, a.body)
			}
			if a := d.do(t, "GET", "/v1/logs?hook=bad", ""); !strings.Contains(a.body, "boom") {
				t.Errorf("log: %s", a.body)
			}
			d.eventually(t, "GET", "/rest/note/"+id, "", func(a answer) bool { return a.at("done") == true })
		})
	}
}

// insert puts text into a file behind a line.
func insert(t *testing.T, path, line, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, strings.Replace(string(b), line, line+text, 1))
}

// What is wrong from the start is told in one line, with the exit code for it.
func TestStartErrors(t *testing.T) {
	t.Parallel()
	project := copyProject(t)
	d := startDev(t, project)
	for _, c := range []struct {
		name string
		env  []string
		args []string
		exit int
		says string
	}{
		{"gaff", nil, []string{"dev", project, "--http", "127.0.0.1:0", "--nats", "127.0.0.1:0"}, 1, "in use by another gaff dev"},
		{"gaff", nil, []string{"dev", copyProject(t), "--http", strings.TrimPrefix(d.url, "http://"), "--nats", "127.0.0.1:0"}, 1, "address already in use"},
		{"gaff", nil, []string{"dev", copyProject(t), "--http", "127.0.0.1:0", "--nats", strings.TrimPrefix(d.nats, "nats://")}, 1, "address already in use"},
		{"gaff", nil, []string{"dev", t.TempDir()}, 1, "gaff init"},
		{"gaff", []string{"GAFF_URL=http://127.0.0.1:1"}, []string{"logs"}, 1, "gaff dev"},
		{"worker", []string{"GAFF_SQLITE_PATH=" + t.TempDir() + "/d.db", "GAFF_NATS_URL=nats://user:hunter2@127.0.0.1:1"}, nil, 1, "NATS at nats://127.0.0.1:1"},
		{"worker", []string{"GAFF_POSTGRES_URL=postgres://user:hunter2@127.0.0.1:1/x"}, nil, 1, "127.0.0.1:1"},
		{"worker", []string{"GAFF_SQLITE_PATH=" + t.TempDir() + "/d.db", "GAFF_NATS_URL=" + d.nats, "GAFF_REDIS_URL=redis://:hunter2@127.0.0.1:1"}, nil, 1, "127.0.0.1:1"},
		{"worker", nil, nil, 2, "GAFF_POSTGRES_URL"},
		{"worker", []string{"GAFF_NAST_URL=x"}, nil, 2, "GAFF_NAST_URL"},
		{"enqueuer", []string{"GAFF_LOG_LEVEL=loud"}, nil, 2, "GAFF_LOG_LEVEL"},
		{"enqueuer", nil, []string{"--concurrency", "none"}, 2, "concurrency"},
	} {
		p := start(t, c.env, c.name, c.args...)
		<-p.exited
		said := strings.TrimSpace(p.err.String())
		if p.cmd.ProcessState.ExitCode() != c.exit || !strings.Contains(said, c.says) || strings.Contains(said, "hunter2") || strings.Count(said, "\n") > 1 {
			t.Errorf("%s %v %v: exit %d\n%s", c.name, c.env, c.args, p.cmd.ProcessState.ExitCode(), said)
		}
	}
}
