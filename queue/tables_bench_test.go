package queue

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/script"
)

const (
	benchApps  = 100
	benchHooks = 100 // of each app, each in a file of its own
)

// benchProject is a project with many hooks, of about 1 KiB each; change goes into one of them.
func benchProject(b *testing.B, app int, change string) *hooks.Release {
	files := map[string]string{}
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "app: app%d\nhooks:\n", app)
	for h := range benchHooks {
		path := fmt.Sprintf("hooks/h%d.js", h)
		fmt.Fprintf(&yaml, "  - {service: s%d, script: %s}\n", h, path)
		files[path] = fmt.Sprintf(`// app %d, hook %d
function beforePOST(req, res) {
  var b = req.body;
  if (!b.name || b.name.length > 100) return res.end({ error: [{ field: 'name', message: 'is required' }] });
  b.slug = b.name.toLowerCase();
  res.end({ data: b });
}
// %s`, app, h, strings.Repeat("x", 700))
	}
	files["hooks/h0.js"] += change
	files["gaff.yaml"] = yaml.String()
	r, err := hooks.LoadProject(files)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// BenchmarkTables measures a process with 10,000 hooks in 100 apps: load-ms from the start of a watch until all are
// loaded, reload-ms from an app's applied change until it is live, heap-MiB with all tables, compiled-MiB and compile-ms
// when every hook has run once.
func BenchmarkTables(b *testing.B) {
	c := connect(b, Config{})
	r := NewReleases(c)
	for app := range benchApps {
		if _, _, err := r.Apply(b.Context(), benchProject(b, app, ""), hooks.ApplyOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	var load, reload, compile time.Duration
	var loaded, compiled uint64
	n := 0
	for b.Loop() {
		n++
		before := heap()
		ts, ready, changed := &hooks.Tables{}, make(chan struct{}), make(chan *hooks.Table, 2*benchApps)
		start := time.Now()
		stop := run(b, func(ctx context.Context) error {
			return r.Watch(ctx, ts, func(t *hooks.Table) { changed <- t }, func() { close(ready) })
		})
		<-ready
		load += time.Since(start)
		loaded += heap() - before
		for range benchApps {
			<-changed
		}
		release := benchProject(b, 7, fmt.Sprint("// ", n))
		if _, _, err := r.Apply(b.Context(), release, hooks.ApplyOptions{}); err != nil {
			b.Fatal(err)
		}
		start = time.Now()
		<-changed
		reload += time.Since(start)
		start = time.Now()
		runAll(b, ts)
		compile += time.Since(start)
		compiled += heap() - before
		if err := stop(); err != nil {
			b.Fatal(err)
		}
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(n) }
	b.ReportMetric(ms(load), "load-ms")
	b.ReportMetric(ms(reload), "reload-ms")
	b.ReportMetric(ms(compile), "compile-ms")
	b.ReportMetric(float64(loaded)/float64(n)/(1<<20), "heap-MiB")
	b.ReportMetric(float64(compiled)/float64(n)/(1<<20), "compiled-MiB")
}

// runAll runs every hook once.
func runAll(b *testing.B, ts *hooks.Tables) {
	engine := script.NewEngine(script.Config{})
	defer engine.Close(context.Background())
	runner := &hooks.Runner{Tables: ts, Engine: engine, Recorder: nobody{}, Log: slog.New(slog.DiscardHandler)}
	for app := range benchApps {
		for h := range benchHooks {
			v := runner.Handle(b.Context(), &hooks.Event{
				App: fmt.Sprint("app", app), Service: fmt.Sprint("s", h), Operation: "POST", Phase: hooks.Before,
				Payload: hooks.Payload{Message: []byte(`{"name":"Ann"}`)},
			})
			if v.Error != nil {
				b.Fatal(v.Error)
			}
		}
	}
}
