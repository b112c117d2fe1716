package executor_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
	"gaff/queue"
)

// Executors that are killed again and again, in the midst of their work, lose nothing: every ask is answered before its
// deadline, every event reaches its hook, and every run of either has one record.
func TestKilledExecutorsLoseNothing(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"gaff.yaml": "hooks:\n  - {service: call, script: hooks/call.js}\n",
		"hooks/call.js": "function beforePOST(req, res) { setTimeout(function () { res.end({data: {n: req.body.n}}); }, req.body.n % 5); }\n" +
			"function afterPOST(req, res) { var s = 0; for (var i = 0; i < 2e4; i++) s += i; log.info(req.body.n); res.end(); }\n",
	}
	w := newWorld(t, files, "GAFF_EXECUTORS=4")
	lasts := 5 * time.Second
	if long() {
		lasts = time.Minute
	}
	done := make(chan struct{})
	var asked, told, killed atomic.Int64
	var g sync.WaitGroup
	for range 16 {
		g.Go(func() { w.load(done, &asked, &told) })
	}
	g.Go(func() { w.kill(done, &asked, &killed) })
	<-time.After(lasts) // the load is what lasts
	close(done)
	g.Wait()
	t.Logf("%d asks, %d events, %d executors killed", asked.Load(), told.Load(), killed.Load())
	if killed.Load() < 3 {
		t.Errorf("only %d executors were killed", killed.Load())
	}
	// A machine that is too busy to start an executor within a second has gates ask again.
	if again := w.oneRecordEach("beforePOST", asked.Load()); int64(again)*100 > asked.Load() {
		t.Errorf("%d of %d asks were decided twice", again, asked.Load())
	}
	if again := w.oneRecordEach("afterPOST", told.Load()); again > 0 {
		t.Errorf("%d of %d events ran to an end twice", again, told.Load())
	}
}

// While there is no executor at all, what comes in waits.
func TestAllExecutorsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"gaff.yaml":         "hooks:\n  - {service: innocent, script: hooks/innocent.js}\n",
		"hooks/innocent.js": innocent,
	}, "GAFF_EXECUTORS=1")
	beside := w.innocents(4)
	killed := 0
	for range 4 {
		if v, _ := w.ask("innocent", `{"n":0}`, 0); v.Stopped() { // there is one again
			t.Errorf("%+v", v.Error)
		}
		for _, pid := range w.executors() { // the spare one, too
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed++
			}
		}
	}
	t.Logf("%d calls beside %d executors that were killed", beside(), killed)
}

const askWithin = 8 * time.Second

// load asks and tells of calls until done is closed.
func (w *world) load(done <-chan struct{}, asked, told *atomic.Int64) {
	for {
		select {
		case <-done:
			return
		default:
		}
		n := asked.Add(1)
		message := fmt.Sprintf(`{"n":%d}`, n)
		e := &hooks.Event{
			App: "default", Service: "call", Operation: "POST", Phase: hooks.Before, Deadline: time.Now().Add(askWithin),
			Payload: hooks.Payload{ID: fmt.Sprintf("ask-%d", n), Message: []byte(message)},
		}
		v, err := w.gate.Ask(w.t.Context(), e)
		if err != nil || v.Stopped() || string(v.Message) != message || time.Now().After(e.Deadline) {
			w.t.Errorf("ask %d: %v %+v %s", n, err, v.Error, v.Message)
		}
		if n%4 != 0 {
			continue
		}
		m := told.Add(1)
		after := *e
		after.Phase, after.ID, after.Key, after.Deadline = hooks.After, fmt.Sprintf("event-%d", m), fmt.Sprint(m), time.Time{}
		if err := w.gate.Publish(w.t.Context(), &after); err != nil {
			w.t.Errorf("event %d: %v", m, err)
		}
	}
}

// kill kills an executor each second, or two if tests are to be short, until done is closed. Where executors take longer to
// start than that, it waits until asks have been answered since.
func (w *world) kill(done <-chan struct{}, asked, killed *atomic.Int64) {
	every := time.Second
	if !long() {
		every /= 2
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for enough := int64(0); ; {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if asked.Load() < enough {
			continue
		}
		enough = asked.Load() + 64
		if pids := w.executors(); len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil {
			killed.Add(1)
		}
	}
}

// oneRecordEach checks that each of n events has a record of the function that tells how its run ended, and each run one.
// It returns how many events ran more than once.
func (w *world) oneRecordEach(function string, n int64) (again int) {
	w.t.Helper()
	var runs map[string]map[string]int
	w.awaitEvery(time.Second, fmt.Sprintf("%d records of %s", n, function), func() bool {
		records, err := queue.Logs(w.t.Context(), w.conn, hooks.LogFilter{App: "default", Kind: hooks.KindHook, Name: "call", Limit: 1 << 20})
		if err != nil {
			w.t.Fatal(err)
		}
		runs = map[string]map[string]int{}
		for _, r := range records {
			if r.Function != function {
				continue
			}
			if runs[r.Event] == nil {
				runs[r.Event] = map[string]int{}
			}
			runs[r.Event][r.ID]++
		}
		return int64(len(runs)) >= n
	})
	for event, of := range runs {
		for run, times := range of {
			if times != 1 {
				w.t.Errorf("%s: %d records of run %s of %s", event, times, run, function)
			}
		}
		if len(of) > 1 {
			again++
		}
	}
	return again
}

// A client that is no gate, and asks but once, is answered too, although the executor that had its ask died over it.
func TestPlainRequestSurvives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"gaff.yaml":     "hooks:\n  - {service: slow, script: hooks/slow.js}\n",
		"hooks/slow.js": "function beforePOST(req, res) { log.info('begun'); setTimeout(function () { res.end({data: {n: req.body.n}}); }, 700); }\n",
	}, "GAFF_EXECUTORS=1")
	nc, err := nats.Connect(w.url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	answer := make(chan string, 1)
	go func() {
		m, err := nc.Request("gaff.ask.before.default.slow.POST", []byte(`{"message":{"n":7}}`), 9*time.Second)
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- string(m.Data)
	}()
	nc.Flush()
	<-time.After(350 * time.Millisecond) // in the midst of its run; earlier or later does no harm
	for _, pid := range w.executors() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if got := <-answer; got != `{"status":200,"message":{"n":7}}` {
		t.Error(got)
	}
}
