package bench

import (
	"fmt"
	"testing"

	"gaff/queue"
)

// BenchmarkExecutors measures one gated call as BenchmarkGatedCall does, by a worker whose scripts run in its own process
// and by one with executors, in turns. of-single is the ratio of calls per second.
func BenchmarkExecutors(b *testing.B) {
	gates := map[string]*queue.Gate{
		"single":    startGate(b, startNATS(b), "GAFF_EXECUTORS=0"),
		"executors": startGate(b, startNATS(b), "GAFF_EXECUTORS=2"),
		"executor":  startGate(b, startNATS(b), "GAFF_EXECUTORS=1"),
	}
	event := newEvent()
	for _, gate := range gates {
		await(b, func() bool { return askOnce(gate, event) == nil })
	}
	for _, n := range atOnce {
		var single float64
		for _, name := range []string{"single", "executor", "executors"} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				calls := rate(b, n, func() error { return askOnce(gates[name], event) })
				if name == "single" {
					single = calls
				} else {
					b.ReportMetric(calls/single, "of-single")
				}
			})
		}
	}
}
