package queue

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
	"gaff/script"
)

// generation is release n of an app whose two hooks, settings and shared file all say n.
func generation(t testing.TB, n int) *hooks.Release {
	t.Helper()
	r, err := hooks.LoadProject(map[string]string{
		"gaff.yaml": fmt.Sprintf("hooks:\n  - {service: item, script: hooks/a.js}\n  - {service: item, script: hooks/b.js}\nsettings: {n: %d}\n", n),
		"hooks/a.js": fmt.Sprintf("const lib = require('../lib/n');\n"+
			"function beforePOST(req, res) { res.end({data: {a: %d, lib: lib.n, settings: context.settings.n}}); }", n),
		"hooks/b.js": fmt.Sprintf("function beforePOST(req, res) { req.body.b = %d; res.end({data: req.body}); }", n),
		"lib/n.js":   fmt.Sprintf("exports.n = %d;", n),
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mixed says what is wrong with a verdict of [generation], or nothing: all of it must be of the release that it names.
func mixed(v *hooks.Verdict) string {
	for _, name := range []string{"a", "b", "lib", "settings"} {
		if gjson.GetBytes(v.Message, name).Uint() != v.Release || v.Stopped() || v.Release == 0 {
			return fmt.Sprintf("release %d: %s", v.Release, v.AppendJSON(nil))
		}
	}
	return ""
}

// live notes when a process has which release.
type live struct {
	mu   sync.Mutex
	from []time.Time // by number: when it, or a later one, became live
}

func (l *live) set(t *hooks.Table) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for now := time.Now(); len(l.from) <= int(t.Release.Number); {
		l.from = append(l.from, now)
	}
}

func (l *live) since(number uint64) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(number) >= len(l.from) {
		return time.Time{}, false
	}
	return l.from[number], true
}

type nobody struct{}

func (nobody) Record(hooks.Record) {}

// startWorker starts one worker of three: its own connection, tables and scripts.
func startWorker(t *testing.T, prefix string) *live {
	t.Helper()
	c, ts, l := connect(t, Config{Prefix: prefix}), &hooks.Tables{}, &live{}
	ready := make(chan struct{})
	run(t, func(ctx context.Context) error { return NewReleases(c).Watch(ctx, ts, l.set, func() { close(ready) }) })
	<-ready
	engine := script.NewEngine(script.Config{})
	t.Cleanup(func() {
		if err := engine.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	serve(t, c, &hooks.Runner{Tables: ts, Engine: engine, Recorder: nobody{}, Log: slog.New(slog.DiscardHandler)})
	return l
}

// consumers counts what all streams under the prefix deliver to.
func consumers(t *testing.T, c *Conn) int {
	t.Helper()
	n := 0
	for name := range c.js.StreamNames(t.Context()).Name() {
		if !strings.HasPrefix(strings.TrimPrefix(name, "KV_"), strings.ToUpper(c.config.Prefix)+"_") {
			continue
		}
		stream, err := c.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		n += stream.CachedInfo().State.Consumers
	}
	return n
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Releases are applied one after the other while three workers answer asks. No verdict is of a mixed release, 99 % of
// the releases are live everywhere within a second, and neither memory nor consumers grow. GAFF_TEST_LONG=1 has 1,000
// releases instead of 100.
func TestReloadUnderLoad(t *testing.T) {
	applies := 100
	if os.Getenv("GAFF_TEST_LONG") != "" {
		applies = 1000
	}
	c := connect(t, Config{})
	r, ctx := NewReleases(c), t.Context()
	if _, _, err := r.Apply(ctx, generation(t, 1), hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	ts, ready := &hooks.Tables{}, make(chan struct{})
	run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, func() { close(ready) }) })
	<-ready
	workers := []*live{startWorker(t, c.config.Prefix), startWorker(t, c.config.Prefix), startWorker(t, c.config.Prefix)}
	asks := steadily(t, newGate(t, c, ts))

	var heapBefore uint64
	before := consumers(t, c)
	applied := make([]time.Time, applies+2)
	for n := 2; n <= applies+1; n++ {
		if n == applies/4 {
			heapBefore = heap()
		}
		release := generation(t, n)
		if _, _, err := r.Apply(ctx, release, hooks.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
		applied[n] = time.Now()
	}
	took := make([]time.Duration, 0, applies)
	for n := 2; n <= applies+1; n++ {
		var last time.Duration
		for _, w := range workers {
			await(t, "the release is live", func() bool { _, ok := w.since(uint64(n)); return ok })
			at, _ := w.since(uint64(n))
			last = max(last, at.Sub(applied[n]))
		}
		took = append(took, last)
	}
	heapAfter := heap()
	total := asks()
	slices.Sort(took)
	p99 := took[len(took)*99/100]
	t.Logf("%d applies, %d asks; live everywhere after %v (median), %v (99 %%), %v (all); heap %d → %d KiB; %d consumers",
		applies, total, took[len(took)/2], p99, took[len(took)-1], heapBefore>>10, heapAfter>>10, before)
	within := 5 * time.Second // of a busy machine
	if os.Getenv("GAFF_TEST_LONG") != "" {
		within = time.Second
	}
	if p99 > within {
		t.Errorf("99 %% of the releases are live after %v", p99)
	}
	if heapAfter > heapBefore+heapBefore/2+16<<20 {
		t.Errorf("the heap has grown from %d to %d KiB", heapBefore>>10, heapAfter>>10)
	}
	await(t, "as many consumers as before", func() bool { return consumers(t, c) <= before })
	if list, err := r.List(ctx, "default"); err != nil || len(list) != defaultReleases {
		t.Errorf("%d releases are kept, %v", len(list), err)
	}
}

// steadily asks until the returned function is called, which returns how often.
func steadily(t *testing.T, g *Gate) (stop func() int64) {
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; pause(ctx, 2*time.Millisecond); n++ {
				v, err := g.Ask(t.Context(), &hooks.Event{
					App: "default", Service: "item", Operation: "POST", Phase: hooks.Before,
					Payload: hooks.Payload{Message: []byte("{}"), Key: fmt.Sprint(i, n)},
				})
				if err != nil {
					t.Error(err)
				} else if wrong := mixed(&v); wrong != "" {
					t.Error(wrong)
				}
				asked.Add(1)
			}
		})
	}
	t.Cleanup(cancel)
	return func() int64 {
		cancel()
		wg.Wait()
		return asked.Load()
	}
}

// While a canary is on trial its share of the keys, each always the same, sees it, on every worker.
func TestCanaryUnderLoad(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	r, ctx := NewReleases(c), t.Context()
	for n, percent := range []int{0, 20} {
		if _, _, err := r.Apply(ctx, generation(t, n+1), hooks.ApplyOptions{CanaryPercent: percent}); err != nil {
			t.Fatal(err)
		}
	}
	ts, ready := &hooks.Tables{}, make(chan struct{})
	run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, func() { close(ready) }) })
	<-ready
	startWorker(t, c.config.Prefix)
	startWorker(t, c.config.Prefix)
	g := newGate(t, c, ts)
	const keys = 500
	ask := func(key int) uint64 {
		v, err := g.Ask(ctx, &hooks.Event{
			App: "default", Service: "item", Operation: "POST", Phase: hooks.Before,
			Payload: hooks.Payload{Message: []byte("{}"), Key: fmt.Sprint("customer-", key)},
		})
		if wrong := mixed(&v); err != nil || wrong != "" {
			t.Fatal(wrong, err)
		}
		return v.Release
	}
	canary := 0
	for key := range keys {
		first := ask(key)
		if again := ask(key); again != first {
			t.Errorf("key %d sees release %d, then %d", key, first, again)
		}
		if first == 2 {
			canary++
		}
	}
	if canary < keys*12/100 || canary > keys*28/100 {
		t.Errorf("%d of %d keys see the canary of 20 %%", canary, keys)
	}
	if _, err := r.Promote(ctx, "default", hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	await(t, "everybody sees what was promoted", func() bool {
		return !slices.ContainsFunc([]int{1, 2, 3, 4, 5, 6, 7, 8}, func(key int) bool { return ask(key) != 2 })
	})
}
