package metrics

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gaff/hooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scrape returns the lines that begin with a name.
func scrape(t *testing.T, m *Metrics, name string) string {
	t.Helper()
	answer := httptest.NewRecorder()
	m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if answer.Code != 200 || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
	var found []string
	for line := range strings.Lines(answer.Body.String()) {
		if strings.HasPrefix(line, name) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func newMetrics() *Metrics { return New(slog.New(slog.DiscardHandler)) }

func TestRuns(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	c := m.Counts()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				c.Run("shop", hooks.KindHook, "customer", hooks.StatusOK, 0.2)
			}
			c.Run("shop", hooks.KindHook, "customer", hooks.StatusFailed, 2)
			c.Run("shop", hooks.KindHook, "customer", hooks.StatusDead, 0)
			c.Run("shop", hooks.KindJob, "nightly", hooks.StatusTimeout, 90_000)
			c.Run("shop", hooks.KindMethod, "top", hooks.StatusOK, 0.05)
			c.Run("shop", hooks.KindAudit, "release-apply", hooks.StatusOK, 0)
			c.Run("shop", hooks.KindHook, "no name", hooks.StatusOK, 0)
			c.Run("shop", hooks.KindHook, "customer", "odd", 0)
		})
	}
	wg.Wait()
	c.Dropped(3)
	want := `gaff_runs_total{app="shop",kind="hook",name="customer",status="dead"} 8
gaff_runs_total{app="shop",kind="hook",name="customer",status="failed"} 8
gaff_runs_total{app="shop",kind="hook",name="customer",status="ok"} 800
gaff_runs_total{app="shop",kind="job",name="nightly",status="timeout"} 8
gaff_runs_total{app="shop",kind="method",name="top",status="ok"} 8
`
	if got := scrape(t, m, "gaff_runs_total"); got != want {
		t.Errorf("got\n%s", got)
	}
	times := scrape(t, m, "gaff_run_duration_seconds")
	for _, line := range []string{
		`gaff_run_duration_seconds_bucket{app="shop",kind="hook",le="0.0001"} 0`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="hook",le="0.00025"} 800`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="hook",le="0.001"} 800`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="hook",le="0.0025"} 808`,
		`gaff_run_duration_seconds_count{app="shop",kind="hook"} 808`, // what is given up is no run
		`gaff_run_duration_seconds_sum{app="shop",kind="hook"} 0.176`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="job",le="60.0"} 0`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="job",le="+Inf"} 8`,
		`gaff_run_duration_seconds_bucket{app="shop",kind="method",le="0.0001"} 8`,
	} {
		if !strings.Contains(strings.ReplaceAll(times, `le="60"`, `le="60.0"`), line+"\n") {
			t.Errorf("no line %s in\n%s", line, times)
		}
	}
	if got := scrape(t, m, "gaff_records_dropped_total"); got != "gaff_records_dropped_total 3\n" {
		t.Error(got)
	}
	for _, name := range []string{"go_goroutines ", "process_cpu_seconds_total "} {
		if scrape(t, m, name) == "" {
			t.Errorf("no %s", name)
		}
	}
}

// What other processes count is shown with what this one does, and stays when they are gone.
func TestRunsOfOthers(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	live := map[int][]byte{1: make([]byte, Size), 2: make([]byte, Size)}
	m.Of(func(f func([][]byte)) {
		var all [][]byte
		for _, b := range live {
			all = append(all, b)
		}
		f(all)
	})
	m.Counts().Run("a", hooks.KindHook, "h", hooks.StatusOK, 1)
	for i, b := range live {
		for range i {
			CountsIn(b).Run("a", hooks.KindHook, "h", hooks.StatusOK, 1)
		}
		CountsIn(b).Dropped(2)
	}
	check := func(want string) {
		t.Helper()
		got := scrape(t, m, "gaff_runs_total") + scrape(t, m, "gaff_records_dropped_total") + scrape(t, m, "gaff_run_duration_seconds_count")
		if got != want {
			t.Errorf("got\n%s", got)
		}
	}
	const all = `gaff_runs_total{app="a",kind="hook",name="h",status="ok"} 4
gaff_records_dropped_total 4
gaff_run_duration_seconds_count{app="a",kind="hook"} 4
`
	check(all)
	m.Gone(live[2])
	clear(live[2])
	delete(live, 2)
	check(all)
	m.Gone(live[1])
	delete(live, 1)
	check(all)
}

// A process that has broken down may leave anything in its memory.
func TestRunsOfBroken(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	m.Counts().Run("a", hooks.KindHook, "h", hooks.StatusOK, 1)
	m.Gone(bytes.Repeat([]byte{0xff}, Size))
	zero := make([]byte, Size)
	CountsIn(zero).Run("a", hooks.KindHook, "h", hooks.StatusOK, 1)
	copy(in(zero).counts[0].text[:], "<a>")
	m.Gone(zero)
	if got := scrape(t, m, "gaff_runs_total"); got != `gaff_runs_total{app="a",kind="hook",name="h",status="ok"} 1`+"\n" {
		t.Error(got)
	}
}

// Whatever names there are, the series are so many and no run is lost.
func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	c := m.Counts()
	for i := range 12_000 {
		c.Run("big", hooks.KindHook, fmt.Sprintf("h%d", i), hooks.StatusOK, 1)
	}
	for i := range 2_000 {
		c.Run(fmt.Sprintf("a%d", i), hooks.KindHook, "h", hooks.StatusOK, 1)
	}
	second := make([]byte, Size)
	for i := range 5_000 {
		CountsIn(second).Run("other-process", hooks.KindHook, fmt.Sprintf("h%d", i), hooks.StatusOK, 1)
		clear(second)
		if i%1000 == 0 {
			m.Gone(second)
		}
	}
	m.Gone(second)
	all := m.sum()
	total, timed := uint64(0), uint64(0)
	for _, n := range all.runs {
		total += n
	}
	for _, s := range all.times {
		for _, n := range s.buckets {
			timed += n
		}
	}
	if len(all.runs) > maxSeries || len(all.times) > maxTimes || total != 14_000 || timed != 14_000 {
		t.Errorf("%d series of %d runs, %d histograms of %d", len(all.runs), total, len(all.times), timed)
	}
	for k, want := range map[key]uint64{
		{"big", "h9999", 0, 0}: 1, {"big", other, 0, 0}: 2_000, {"a998", other, 0, 0}: 1, {other, other, 0, 0}: 1_001,
	} {
		if all.runs[k] != want {
			t.Errorf("%v: %d runs, want %d", k, all.runs[k], want)
		}
	}
}

// Processes that have seen different names are bounded together, and no series goes back.
func TestSumsAreBounded(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	last := map[key]uint64{}
	for p := range 3 {
		b := make([]byte, Size)
		c := CountsIn(b)
		for i := range 9_000 {
			c.Run(fmt.Sprintf("p%d", p), hooks.KindHook, fmt.Sprintf("h%d", i), hooks.StatusOK, 1)
		}
		m.Gone(b)
		all := m.sum()
		total := uint64(0)
		for _, n := range all.runs {
			total += n
		}
		if len(all.runs) > maxSeries+1 || total != uint64(9_000*(p+1)) {
			t.Errorf("%d series of %d runs", len(all.runs), total)
		}
		for k, n := range last {
			if all.runs[k] < n {
				t.Fatalf("%v went from %d to %d", k, n, all.runs[k])
			}
		}
		last = all.runs
	}
}

func TestGauges(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	asked := 0
	hang := make(chan struct{})
	defer close(hang)
	err := m.Add(
		Gauge{Name: "g_one", Help: "h", Read: func(context.Context) ([]Sample, error) { asked++; return One(7, nil) }},
		Gauge{Name: "g_fails", Help: "h", Read: func(context.Context) ([]Sample, error) { return One(7, errors.New("away")) }},
		Gauge{Name: "g_many", Help: "h", Labels: []string{"app", "hook"}, Read: func(context.Context) (all []Sample, err error) {
			for i := range maxSamples + 5 {
				all = append(all, Sample{[]string{"a", fmt.Sprintf("h%05d", i)}, 2})
			}
			return append(all, Sample{[]string{"a", "h00000"}, 1}), nil
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if got := scrape(t, m, "g_one"); got != "g_one 7\n" {
			t.Error(got)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times within a second", asked)
	}
	many := scrape(t, m, "g_many")
	if n := strings.Count(many, "\n"); n != maxSamples+1 || scrape(t, m, "g_fails") != "" {
		t.Errorf("%d lines", n)
	}
	for _, line := range []string{`g_many{app="a",hook="h00000"} 3`, `g_many{app="other",hook="other"} 10`} {
		if !strings.Contains(many, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}

// A server that does not answer holds nothing up for good, and is not asked twice.
func TestGaugeThatHangs(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	asked, hang := make(chan struct{}, 10), make(chan struct{})
	defer close(hang)
	err := m.Add(
		Gauge{Name: "g_one", Help: "h", Read: func(context.Context) ([]Sample, error) { return One(7, nil) }},
		Gauge{Name: "g_hangs", Help: "h", Read: func(context.Context) ([]Sample, error) {
			asked <- struct{}{}
			<-hang
			return nil, nil
		}},
	)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := scrape(t, m, "g_"); got != "g_one 7\n" {
			t.Error(got)
		}
	}
	if len(asked) != 1 {
		t.Errorf("asked %d times", len(asked))
	}
}

func TestDeaths(t *testing.T) {
	t.Parallel()
	m := newMetrics()
	died, err := m.Deaths([]string{"killed", "memory"})
	if err != nil {
		t.Fatal(err)
	}
	died("killed")
	want := "gaff_executor_deaths_total{reason=\"killed\"} 1\ngaff_executor_deaths_total{reason=\"memory\"} 0\n"
	if got := scrape(t, m, "gaff_executor_deaths_total"); got != want {
		t.Error(got)
	}
}

// BenchmarkRun measures what counting adds to a run: of one hook by all processors, and of 10,000 in turn.
func BenchmarkRun(b *testing.B) {
	for _, hooksOf := range []int{1, 10_000, 20_000} {
		b.Run(fmt.Sprintf("hooks=%d", hooksOf), func(b *testing.B) {
			c := NewCounts()
			names := make([]string, hooksOf)
			for i := range names {
				names[i] = fmt.Sprintf("some-hook-%d", i)
				c.Run("default", hooks.KindHook, names[i], hooks.StatusOK, 1)
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					c.Run("default", hooks.KindHook, names[i%len(names)], hooks.StatusOK, 0.15)
				}
			})
		})
	}
}

// BenchmarkScrape measures one look at 10,000 series.
func BenchmarkScrape(b *testing.B) {
	m := newMetrics()
	for i := range 10_000 {
		m.Counts().Run("default", hooks.KindHook, fmt.Sprintf("some-hook-%d", i), hooks.StatusOK, 1)
	}
	for b.Loop() {
		answer := httptest.NewRecorder()
		m.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	}
}
