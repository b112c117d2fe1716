package executor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// ownProject is a project in which scripts run by every way there is, good ones and such as end their executor.
func ownProject(app string) map[string]string {
	return map[string]string{
		"gaff.yaml": "app: " + app + `
hooks:
  - {service: good, script: good.js}
  - {service: flaky, script: flaky.js, retry: {attempts: 3, min: 10ms}}
  - {service: line, script: line.js, ordered: true}
  - {service: bad, script: badask.js}
  - {service: badevent, script: badevent.js, retry: {attempts: 1}}
  - {service: badline, script: badline.js, ordered: true, retry: {attempts: 1}}
jobs:
  - {name: clock, schedule: "@every 1s", script: job.js}
  - {name: manual, schedule: "@manual", script: job.js}
  - {name: badjob, schedule: "@manual", script: badjob.js}
methods:
  - {service: math, name: add, script: add.js}
  - {service: math, name: bad, script: bad.js}
`,
		"good.js":     innocent + "function afterPOST(req, res) { log.info(req.body.n); res.end(); }\n",
		"flaky.js":    "function afterPOST(req, res) { throw new Error('again'); }\n",
		"line.js":     "function afterPOST(req, res) { log.info(req.body.n); res.end(); }\n",
		"badask.js":   bomb,
		"badevent.js": "function afterPOST(req, res) { new Uint8Array(Math.pow(2, 33)); res.end(); }\n",
		"badline.js":  "function afterPOST(req, res) { new Uint8Array(Math.pow(2, 33)); res.end(); }\n",
		"job.js":      "function runJob(req, res) { res.end('done'); }\n",
		"badjob.js":   "function runJob(req, res) { new Uint8Array(Math.pow(2, 33)); res.end(); }\n",
		"add.js":      "function call(req, res) { res.end(req.body.args[0] + req.body.args[1]); }\n",
		"bad.js":      "function call(req, res) { new Uint8Array(Math.pow(2, 33)); res.end(1); }\n",
	}
}

// own is a world with several apps.
type own struct {
	*world
	jobs *tasks.Queue
}

func newOwn(t *testing.T, apps string) *own {
	t.Helper()
	projects := []map[string]string{ownProject("default"), ownProject("shop")}
	w := &own{world: newWorldOf(t, projects, "GAFF_APPS="+apps, "GAFF_EXECUTORS=2", "GAFF_MEMORY_LIMIT=128MiB")}
	redis, err := tasks.ParseRedis(w.redis, "gaff")
	if err != nil {
		t.Fatal(err)
	}
	w.jobs = tasks.NewQueue(redis)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tasks.NewScheduler(redis, w.tables, slog.New(slog.DiscardHandler)).Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.jobs.Close()
	})
	return w
}

func (w *own) event(app, service string, phase hooks.Phase, n int) *hooks.Event {
	return &hooks.Event{
		App: app, Service: service, Operation: "POST", Phase: phase,
		Payload: hooks.Payload{ID: fmt.Sprintf("%s-%s-%d-%d", app, service, n, time.Now().UnixNano()), Key: "k", Message: json.RawMessage(fmt.Sprintf(`{"n":%d}`, n))},
	}
}

func (w *own) askOf(app, service string, n int) hooks.Verdict {
	e := w.event(app, service, hooks.Before, n)
	e.Deadline = time.Now().Add(20 * time.Second)
	v, err := w.gate.Ask(w.t.Context(), e)
	if err != nil {
		w.t.Errorf("%s/%s: %v", app, service, err)
	}
	return v
}

func (w *own) tell(app, service string, n int) {
	w.t.Helper()
	if err := w.gate.Publish(w.t.Context(), w.event(app, service, hooks.After, n)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *own) runJob(app, name string) {
	w.t.Helper()
	if _, err := w.jobs.Run(w.t.Context(), app, w.tables.Of(app).Job(name)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *own) call(app, name string) (hooks.Reply, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	return w.gate.Call(ctx, hooks.MethodCall{App: app, Service: "math", Method: name, Payload: json.RawMessage(`{"args":[1,2]}`)})
}

// records are those of an app's hook or job from then on.
func (w *own) records(app, name string, since time.Time) []hooks.Record {
	w.t.Helper()
	records, err := queue.Logs(w.t.Context(), w.conn, hooks.LogFilter{App: app, Name: name, Since: since, Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(records, func(a, b hooks.Record) int { return a.Time.Compare(b.Time) })
	return records
}

// works has good scripts of an app run by every way, and sees to it that each has.
func (w *own) works(app string) {
	w.t.Helper()
	since := time.Now()
	for n := range 8 {
		if v := w.askOf(app, "good", n); v.Stopped() || string(v.Message) != fmt.Sprintf(`{"n":%d}`, n) {
			w.t.Errorf("%s: %+v %s", app, v.Error, v.Message)
		}
	}
	var all sync.WaitGroup
	for n := range 100 { // so many that they travel together
		all.Go(func() {
			if v := w.askOf(app, "good", n); v.Stopped() || string(v.Message) != fmt.Sprintf(`{"n":%d}`, n) {
				w.t.Errorf("%s: %+v %s", app, v.Error, v.Message)
			}
		})
	}
	all.Wait()
	for range 4 {
		if r, err := w.call(app, "add"); err != nil || string(r.Body) != "3" {
			w.t.Errorf("%s: %s, %v", app, r.Body, err)
		}
	}
	for n := range 20 {
		w.tell(app, "good", n)
		w.tell(app, "line", n)
	}
	w.tell(app, "flaky", 1)
	w.runJob(app, "manual")
	want := map[string]int{"good": 20 + 108, "line": 20, "flaky": 4, "manual": 1, "clock": 3} // flaky: with the record of its end
	w.ran(app, since, want)
	w.once(app, since)
}

// ran waits until there are so many records of an app's hooks and jobs.
func (w *own) ran(app string, since time.Time, want map[string]int) {
	w.t.Helper()
	w.awaitEvery(500*time.Millisecond, fmt.Sprintf("%s: records %v", app, want), func() bool {
		count := map[string]int{}
		for _, r := range w.records(app, "", since) {
			count[r.Name]++
		}
		for name, n := range want {
			if count[name] < n {
				return false
			}
		}
		return true
	})
}

// once sees to it that everything has run once, and in order where that is wanted.
func (w *own) once(app string, since time.Time) {
	w.t.Helper()
	seen, line := map[string]bool{}, 0
	for _, r := range w.records(app, "", since) {
		if r.Name == "flaky" {
			continue
		}
		id := r.Name + "." + r.Function + " " + r.Event
		if seen[id] || r.Status != hooks.StatusOK && (r.Error == nil || r.Error.Code != hooks.CodeOverlap) {
			w.t.Errorf("%s: %s has run again, or: %s %+v", app, id, r.Status, r.Error)
		}
		seen[id] = true
		if r.Name == "line" {
			if len(r.Log) != 1 || r.Log[0].Text != strconv.Itoa(line) {
				w.t.Errorf("%s: the %dth in order is %+v", app, line, r.Log)
			}
			line++
		}
	}
}

// died counts the executors of a set that have died so far, as its worker tells.
func (w *own) died(apps string) int {
	n := 0
	for line := range strings.Lines(w.log.tail(1 << 22)) {
		if strings.Contains(line, "an executor has died") && strings.Contains(line, "apps="+apps+" ") {
			n++
		}
	}
	return n
}

// bombs has a script of every kind end its executor.
func (w *own) bombs(app string, set string) {
	w.t.Helper()
	next := w.died(set)
	died := func(by string) {
		w.t.Helper()
		next++
		w.await(by+" of "+app+" ends an executor", func() bool { return w.died(set) >= next })
	}
	if v := w.askOf(app, "bad", 1); v.Error == nil || v.Error.Code != hooks.CodeHookCrashed {
		w.t.Errorf("%s: %+v", app, v)
	}
	died("an ask")
	if _, err := w.call(app, "bad"); err == nil || hooks.AsError(err).Code != hooks.CodeHookCrashed {
		w.t.Errorf("%s: %v", app, err)
	}
	died("a call")
	w.tell(app, "badevent", 1)
	died("an event")
	w.tell(app, "badline", 1)
	died("an event in order")
	w.runJob(app, "badjob")
	died("a job")
	w.awaitEvery(500*time.Millisecond, "the end of what ends executors", func() bool {
		over := map[string]bool{}
		for _, r := range w.records(app, "", time.Time{}) { // it is not run again, or was taken out of use
			givenUp := r.Error != nil && strings.Contains(r.Error.Message, "has died 3 times")
			over[r.Name] = over[r.Name] || givenUp || r.Status == hooks.StatusDead || r.Kind == hooks.KindAlert
		}
		return over["badevent"] && over["badline"] && over["badjob"]
	})
}

// TestAppOfItsOwn: an app that is named has executors of its own. By whatever way its scripts come to run, they end no others
// than those, and those of other apps do not end them.
func TestAppOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newOwn(t, "shop,*")
	w.works("shop")
	w.works("default")
	const shop, rest = "shop", "*,!shop"
	for _, c := range []struct{ app, set, other, otherSet string }{
		{"shop", shop, "default", rest}, {"default", rest, "shop", shop},
	} {
		before := w.died(c.otherSet)
		n := w.beside(c.other, func() { w.bombs(c.app, c.set) })
		if n := w.died(c.otherSet) - before; n > 0 {
			t.Errorf("scripts of %s have ended %d executors of %s", c.app, n, c.other)
		}
		t.Logf("%d innocent asks of %s beside %d executors of %s that died", n, c.other, w.died(c.set), c.app)
	}
}

// beside has do done while an innocent hook of the app is asked again and again, which must not fail. It returns how often.
func (w *own) beside(app string, do func()) int {
	n, done, ended := 0, make(chan struct{}), make(chan struct{})
	end := sync.OnceFunc(func() { close(done); <-ended })
	defer end() // also if do fails the test
	go func() {
		defer close(ended)
		for ; ; n++ {
			select {
			case <-done:
				return
			default:
			}
			if v := w.askOf(app, "good", n); v.Stopped() {
				w.t.Errorf("an innocent of %s: %+v", app, v.Error)
			}
		}
	}()
	do()
	end()
	return n
}

// TestAppLeftToAnotherWorker: two workers, each for its own apps. Without the one, the other is as it was, and its own app's
// calls are refused while its events and jobs wait.
func TestAppLeftToAnotherWorker(t *testing.T) {
	t.Parallel()
	w := newOwn(t, "*,!shop")
	log := &output{}
	_, stop := w.startWorker(log, "GAFF_APPS=shop", "GAFF_EXECUTORS=1", "GAFF_MEMORY_LIMIT=128MiB")
	served := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if err := w.conn.ServedApp(ctx, "shop"); err != nil {
			t.Fatal(err)
		}
	}
	served()
	w.works("shop")
	w.works("default")

	pids := w.executors(w.worker.Process.Pid)
	stop()
	since := time.Now()
	if v := w.askOf("shop", "good", 1); v.Error == nil || v.Error.Code != hooks.CodeUnavailable {
		t.Errorf("%+v", v)
	}
	if _, err := w.call("shop", "add"); err == nil || hooks.AsError(err).Code != hooks.CodeUnavailable {
		t.Errorf("%v", err)
	}
	for n := range 20 {
		w.tell("shop", "good", n)
		w.tell("shop", "line", n)
	}
	w.runJob("shop", "manual")
	w.works("default")
	w.await("the events wait", func() bool {
		s, _, err := w.releases.State(t.Context(), "shop")
		return err == nil && s.Held
	})
	if got := w.executors(w.worker.Process.Pid); !slices.Equal(got, pids) {
		t.Errorf("executors %v, were %v", got, pids)
	}
	if records := w.records("shop", "", since); len(records) > 0 {
		t.Errorf("%d runs, such as %+v", len(records), records[0])
	}
	w.startWorker(log, "GAFF_APPS=shop", "GAFF_EXECUTORS=1", "GAFF_MEMORY_LIMIT=128MiB")
	served()
	w.ran("shop", since, map[string]int{"good": 20, "line": 20, "manual": 1})
	w.once("shop", since)
}

// executors are the process ids of a worker's children.
func (w *own) executors(worker int) (pids []int) {
	w.t.Helper()
	parent := regexp.MustCompile(`\) \S (\d+) `)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		if m := parent.FindSubmatch(stat); m != nil && bytes.Equal(m[1], []byte(strconv.Itoa(worker))) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}
