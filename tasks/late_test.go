package tasks

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"gaff/hooks"
)

// BenchmarkLateness has a thousand jobs come due at one moment, with three schedulers and three servers on one Redis, and
// reports how much later than the tick they start.
func BenchmarkLateness(b *testing.B) {
	const jobs = 1000
	release := &hooks.Release{App: "a", Number: 1}
	for i := range jobs {
		release.Jobs = append(release.Jobs, hooks.Job{Name: fmt.Sprint("job", i), Schedule: "@every 3s", Timezone: "UTC"})
	}
	tables := set(&hooks.Tables{}, hooks.NewTable(release))
	r, err := ParseRedis(os.Getenv("GAFF_TEST_REDIS_URL"), fmt.Sprint("bench", time.Now().UnixNano()))
	if err != nil {
		b.Fatal(err)
	}
	starts := make(chan time.Duration, jobs)
	h := hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		at, err := time.Parse(time.RFC3339, e.ID[len("a:"+e.Operation+":"):])
		if err == nil {
			starts <- time.Since(at)
		}
		return hooks.GoOn()
	})
	var l logs
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 6)
	for range 3 {
		go func() { ended <- Serve(ctx, r, h, Options{Tables: tables, Log: l.logger()}) }()
		go func() { ended <- NewScheduler(r, tables, l.logger()).Run(ctx) }()
	}
	var late []time.Duration
	for range jobs { // the first moment warms up
		<-starts
	}
	for b.Loop() {
		for range jobs {
			late = append(late, <-starts)
		}
	}
	cancel()
	for range 6 {
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
	slices.Sort(late)
	b.ReportMetric(float64(late[len(late)/2].Milliseconds()), "p50-ms")
	b.ReportMetric(float64(late[len(late)*99/100].Milliseconds()), "p99-ms")
	b.ReportMetric(0, "ns/op")
}
