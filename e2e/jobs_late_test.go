package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"gaff/hooks"
)

// TestLateness measures how much later than its tick each of many jobs starts that are due at the same moment. In the long
// form that is a thousand jobs on one minute, with nothing beside it.
func TestLateness(t *testing.T) {
	jobs, schedule := 200, "@every 15s"
	if os.Getenv("GAFF_TEST_LONG") != "" {
		jobs, schedule = 1000, "* * * * *"
	} else {
		t.Parallel()
	}
	var lines []string
	for i := range jobs {
		lines = append(lines, fmt.Sprintf("name: job%d, schedule: %q", i, schedule))
	}
	d := startCluster(t, jobProject(t, "function runJob(req, res) { res.end(); }\n", lines...))
	d.enqueuers(t, 2)
	var late []time.Duration
	var tick time.Time
	limit := time.After(3 * time.Minute)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for len(late) < jobs {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("at %s only %d jobs have run", tick, len(late))
		}
		byTick := map[time.Time][]time.Duration{}
		for _, r := range d.records(t) {
			if at := tickOf(&r); r.Status == hooks.StatusOK {
				byTick[at] = append(byTick[at], r.Time.Sub(at))
			}
		}
		for at, list := range byTick {
			if len(list) > len(late) {
				tick, late = at, list
			}
		}
	}
	slices.Sort(late)
	t.Logf("%d jobs at %s, 3 enqueuers, 3 workers: start minus tick p50 %v, p99 %v, most %v",
		jobs, tick.UTC().Format(time.TimeOnly), at(late, 50), at(late, 99), at(late, 100))
	if late[0] < 0 {
		t.Errorf("a job has started %v before its tick", -late[0])
	}
}
