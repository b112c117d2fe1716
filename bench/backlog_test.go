package bench

import (
	"flag"
	"sync"
	"testing"
	"time"
)

var (
	backlog  = flag.Int("backlog", 200_000, "events that wait in BenchmarkBacklog")
	askEvery = flag.Duration("ask-every", 5*time.Millisecond, "time between the asks of BenchmarkBacklog")
)

// steadyAhead is how many events wait at most while they come as fast as they are worked off.
const steadyAhead = 4096

// BenchmarkBacklog measures how fast a backlog of events is worked off beside asks that go on, and what the asks notice of
// it. Client, NATS and worker are processes. of-steady is the rate of the drain to that of events that come as fast as they
// are worked off. p99 of asks is taken alone, beside steady events, and beside the backlog.
func BenchmarkBacklog(b *testing.B) {
	for range b.N {
		e := newEventful(b)
		stop := e.startWorker(b)

		live := e.asks(b)
		time.Sleep(3 * time.Second)
		alone := live()

		live = e.asks(b)
		steady := e.steady(b, max(*backlog/2, 4*steadyAhead))
		beside := live()
		stop()

		e.publish(b, *backlog)
		e.startWorker(b)
		live = e.asks(b)
		drain := e.drained(b, "gaff-workers")
		during := live()

		b.ReportMetric(steady, "steady/s")
		b.ReportMetric(drain, "drain/s")
		b.ReportMetric(drain/steady, "of-steady")
		alone.report(b, "alone-")
		beside.report(b, "steady-")
		during.report(b, "backlog-")
		b.ReportMetric(float64(during.at(0.99))/float64(alone.at(0.99)), "p99-of-alone")
		b.ReportMetric(float64(during.at(0.99))/float64(beside.at(0.99)), "p99-of-steady")
	}
}

// asks asks at an even pace until the function is called that it returns.
func (e *eventful) asks(b *testing.B) (stop func() latencies) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var took latencies
	end := make(chan struct{})
	all.Go(func() {
		tick := time.NewTicker(*askEvery)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			all.Go(func() {
				before := time.Now()
				if err := e.ask(); err != nil {
					b.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(before))
			})
		}
	})
	return func() latencies {
		close(end)
		all.Wait()
		return took
	}
}

// steady publishes n events as fast as they are worked off, and returns how many those are in a second.
func (e *eventful) steady(b *testing.B, n int) float64 {
	b.Helper()
	before, begun := e.sent, time.Now()
	for e.sent < before+uint64(n) {
		if e.sent-e.workedOff(b, "gaff-workers") < steadyAhead {
			e.publish(b, 1024)
		} else {
			time.Sleep(time.Millisecond)
		}
	}
	await(b, func() bool { return e.workedOff(b, "gaff-workers") >= e.sent })
	return float64(e.sent-before) / time.Since(begun).Seconds()
}
