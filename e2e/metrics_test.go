package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// metricsProject has a hook that goes well, one that is given up, and one that waits to be tried again.
func metricsProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir+"/gaff.yaml", `app: default
hooks:
  - {name: counted, service: counted, operation: do, phase: before, script: ok.js}
  - {name: fails, service: failing, operation: do, phase: after, script: fails.js, retry: {attempts: 2, min: 10ms}}
  - {name: waits, service: waiting, operation: do, phase: after, script: fails.js, retry: {attempts: 2, min: 1h, max: 1h}}
jobs:
  - {name: late, schedule: "@manual", script: late.js}
`)
	writeFile(t, dir+"/ok.js", "function before(req, res) { res.end(); }\n")
	writeFile(t, dir+"/fails.js", "function after(req, res) { throw new Error('no'); }\n")
	writeFile(t, dir+"/late.js", "function runJob(req, res) { res.end('done'); }\n")
	return dir
}

// metrics are the figures at a URL, by name and labels as they are written.
func (d *deployment) metrics(t *testing.T, url string) map[string]float64 {
	t.Helper()
	resp, err := d.client.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		t.Fatalf("%s/metrics: %d %v", url, resp.StatusCode, resp.Header)
	}
	found := map[string]float64{}
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		name, value, ok := strings.Cut(s.Text(), "} ")
		if name += "}"; !ok {
			name, value, ok = strings.Cut(s.Text(), " ")
		}
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			found[name] = n
		}
	}
	return found
}

// watcher scrapes workers, and finds counters that go back.
type watcher struct {
	urls []string
	last []map[string]float64
}

func (w *watcher) sum(t *testing.T, d *deployment, name string) (sum float64) {
	t.Helper()
	for i, url := range w.urls {
		now := d.metrics(t, url)
		for series, before := range w.last[i] {
			if strings.Contains(series, "_total") && strings.HasPrefix(series, "gaff_") && now[series] < before {
				t.Fatalf("%s went from %v to %v", series, before, now[series])
			}
		}
		w.last[i] = now
		sum += now[name]
	}
	return sum
}

// children are the processes that a process has started.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(lists) == 0 {
		t.Fatalf("no children of %d can be found: %v", pid, err)
	}
	for _, list := range lists {
		text, _ := os.ReadFile(list) // the thread may be gone
		for _, word := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(word); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// Each run is counted once, by the worker whose executor ran it, also after that was killed.
func TestMetricsOutliveExecutors(t *testing.T) {
	t.Parallel()
	d := startCluster(t, metricsProject(t), "GAFF_EXECUTORS=2")
	w := watcher{last: make([]map[string]float64, len(d.workers))}
	for _, p := range d.workers {
		w.urls = append(w.urls, p.url(t))
	}
	const counted = `gaff_runs_total{app="default",kind="hook",name="counted",status="ok"}`
	ask := func(n int) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range n / 8 {
					if a, err := d.try(t.Context(), "POST", "/v1/events", `{"service":"counted","operation":"do"}`); err != nil || a.at("status") != 200.0 {
						t.Errorf("an ask: %v %d %s", err, a.status, a.body)
					}
				}
			})
		}
		wg.Wait()
	}
	ask(400)
	if got := w.sum(t, d, counted); got != 400 {
		t.Errorf("%v runs are counted of 400", got)
	}
	killed := 0.0
	kill := func() {
		for _, pid := range children(t, d.workers[0].cmd.Process.Pid) {
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	kill()
	if got := w.sum(t, d, counted); got != 400 {
		t.Errorf("%v runs are counted of 400 after executors were killed", got)
	}
	poll(t, "the deaths of executors, and others in their place", func() (answer, bool) {
		deaths, serving := w.sum(t, d, `gaff_executor_deaths_total{reason="killed"}`), w.sum(t, d, "gaff_executors")
		return answer{body: fmt.Sprint(deaths, serving)}, deaths >= 2 && serving == 6
	})
	ask(400)
	if got := w.sum(t, d, counted); got != 800 {
		t.Errorf("%v runs are counted of 800", got)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		ask(2400)
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			if got := w.sum(t, d, counted); got < 3200 { // those that were asked again may have run twice
				t.Errorf("%v runs are counted of 3200", got)
			}
			return
		default:
			if w.sum(t, d, counted); i == 2 {
				kill()
			}
		}
	}
}

// What fails, is given up and waits is seen.
func TestMetrics(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]*deployment{"dev": startDev(t, metricsProject(t)), "cluster": startCluster(t, metricsProject(t), "GAFF_EXECUTORS=0")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			await := func(name string, want float64) {
				t.Helper()
				urls := []string{d.url}
				for _, p := range d.workers {
					urls = append(urls, p.url(t))
				}
				poll(t, name, func() (answer, bool) {
					sum, there := 0.0, false
					for _, url := range urls {
						n, ok := d.metrics(t, url)[name]
						sum, there = sum+n, there || ok
					}
					return answer{body: fmt.Sprintf("%v, there: %v", sum, there)}, there && sum == want
				})
			}
			for _, state := range []string{"active", "pending", "scheduled", "retry", "archived"} {
				await(`gaff_tasks{state="`+state+`"}`, 0)
			}
			for _, service := range []string{"counted", "failing", "waiting"} {
				phase := "after"
				if service == "counted" {
					phase = "before"
				}
				if a := d.do(t, "POST", "/v1/events", fmt.Sprintf(`{"service":%q,"operation":"do","phase":%q}`, service, phase)); a.status >= 300 {
					t.Fatalf("%d %s", a.status, a.body)
				}
			}
			if a := d.do(t, "POST", "/v1/jobs/late/enqueue", `{"delay":3600}`); a.status != http.StatusAccepted {
				t.Fatalf("%d %s", a.status, a.body)
			}
			await(`gaff_runs_total{app="default",kind="hook",name="counted",status="ok"}`, 1)
			await(`gaff_runs_total{app="default",kind="hook",name="fails",status="failed"}`, 2)
			await(`gaff_runs_total{app="default",kind="hook",name="fails",status="dead"}`, 1)
			await(`gaff_run_duration_seconds_count{app="default",kind="hook"}`, 4)
			await(`gaff_dead_letters{app="default",hook="fails"}`, 1)
			await(`gaff_work_waiting{app="default",hook="waits"}`, 1)
			await(`gaff_tasks{state="scheduled"}`, 1)
			await("gaff_events_waiting", 0)
			await("gaff_outbox_waiting", 0)
			await("gaff_records_dropped_total", 0)
			if out, stderr, exit := gaff(t, d, "apps", "pause", "default"); exit != 0 {
				t.Fatalf("pause: %s%s", out, stderr)
			}
			poll(t, "an event that is held", func() (answer, bool) {
				d.do(t, "POST", "/v1/events", `{"service":"failing","operation":"do","phase":"after"}`)
				n := d.metrics(t, d.url)[`gaff_held_events{app="default"}`]
				return answer{body: fmt.Sprint(n)}, n > 0
			})
			if a := d.do(t, "POST", "/metrics", ""); a.status != http.StatusMethodNotAllowed {
				t.Errorf("POST: %d %s", a.status, a.body)
			}
			if name == "dev" {
				if a := d.do(t, "GET", "/metrics", "", "Host", "evil.example"); a.status != http.StatusForbidden {
					t.Errorf("a foreign host: %d %s", a.status, a.body)
				}
			}
		})
	}
}
