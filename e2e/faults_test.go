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

// creates makes 2,000 gated creates at once and calls disturb when a tenth of them has been answered.
func creates(t *testing.T, d *deployment, disturb func()) {
	const total = 2000
	var answered, failed atomic.Int64
	var disturbed sync.Once
	var wg sync.WaitGroup
	for i := range total {
		wg.Go(func() {
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
