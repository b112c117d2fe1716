package bench

import (
	"context"
	"fmt"
	"strings"
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
	ask := func(gate *queue.Gate) error {
		v, err := gate.Ask(context.Background(), event)
		switch {
		case err != nil:
			return err
		case v.Error != nil:
			return v.Error
		case !strings.Contains(string(v.Message), "slug"):
			return fmt.Errorf("the hook has not run: %s", v.Message)
		}
		return nil
	}
	for _, gate := range gates {
		await(b, func() bool { return ask(gate) == nil })
	}
	for _, n := range atOnce {
		var single float64
		for _, name := range []string{"single", "executor", "executors"} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				calls := rate(b, n, func() error { return ask(gates[name]) })
				if name == "single" {
					single = calls
				} else {
					b.ReportMetric(calls/single, "of-single")
				}
			})
		}
	}
}
