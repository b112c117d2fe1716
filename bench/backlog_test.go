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

// aloneFor is how long the traffic is measured without events.
const aloneFor = 3 * time.Second

// steadyAhead is how many events wait at most while they come as fast as they are worked off.
const steadyAhead = 4096

// BenchmarkBacklog measures how fast a backlog of events is worked off beside asks that go on, and what the asks notice of
// it. Client, NATS, worker and echo are processes. of-steady is the rate of the drain to that of events that come as fast as they
// are worked off. p99 of asks is taken alone, beside steady events, and beside the backlog.
func BenchmarkBacklog(b *testing.B) {
	for range b.N {
		e := newEventful(b)
		stop := e.startWorker(b)

		live := e.live(b)
		time.Sleep(aloneFor)
		alone := live()

		live = e.live(b)
		steady := e.steady(b, max(*backlog/2, 4*steadyAhead))
		beside := live()
		stop()

		e.publish(b, *backlog)
		e.startWorker(b)
		live = e.live(b)
		drain := e.drained(b, "gaff-workers")
		during := live()

		b.ReportMetric(steady, "steady/s")
		b.ReportMetric(drain, "drain/s")
		b.ReportMetric(drain/steady, "of-steady")
		alone.report(b, "alone")
		beside.report(b, "steady")
		during.report(b, "backlog")
		b.ReportMetric(float64(during.asks.at(0.99))/float64(alone.asks.at(0.99)), "p99-of-alone")
		b.ReportMetric(float64(during.asks.at(0.99))/float64(beside.asks.at(0.99)), "p99-of-steady")
	}
}

// traffic is what goes on all the while: asks, and requests to a bare echo, which tell how long the machine and the server
// alone take.
type traffic struct{ asks, echoes latencies }

func (t *traffic) report(b *testing.B, name string) {
	t.asks.report(b, name+"-")
	t.echoes.report(b, name+"-echo-")
}

// live makes traffic until the function is called that it returns.
func (e *eventful) live(b *testing.B) (stop func() traffic) {
	asks, echoes := paced(b, e.ask), paced(b, e.echo)
	return func() traffic { return traffic{asks(), echoes()} }
}

// paced calls at an even pace until the function is called that it returns.
func paced(b *testing.B, call func() error) (stop func() latencies) {
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
				if err := call(); err != nil {
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
