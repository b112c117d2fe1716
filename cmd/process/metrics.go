package process

import (
	"context"

	"gaff/executor"
	"gaff/metrics"
	"gaff/queue"
	"gaff/tasks"
)

// What an executor counts has room where its supervisor reads it.
const _ = uint(executor.CountsSize - metrics.Size)

// maxOutbox is how far the outbox is counted.
const maxOutbox = 100_000

// showWaiting has /metrics show what waits on NATS, on Redis and in the database.
func (p *Parts) showWaiting(jobs *tasks.Queue) error {
	hook := []string{"app", "hook"}
	return p.Metrics.Add(
		metrics.Gauge{Name: "gaff_events_waiting", Help: "Events that are not worked off, those in hand among them.",
			Read: func(ctx context.Context) ([]metrics.Sample, error) { return metrics.One(p.Conn.EventsWaiting(ctx)) }},
		metrics.Gauge{Name: "gaff_work_waiting", Help: "Runs of hooks that wait to be tried again.", Labels: hook, Read: waiting(p.Conn.WorkWaiting, true)},
		metrics.Gauge{Name: "gaff_dead_letters", Help: "Dead letters.", Labels: hook, Read: waiting(p.Conn.DeadLetters, true)},
		metrics.Gauge{Name: "gaff_held_events", Help: "Events that wait because their app is paused.", Labels: hook[:1], Read: waiting(p.Conn.EventsHeld, false)},
		metrics.Gauge{Name: "gaff_tasks", Help: "Runs of jobs, by their state.", Labels: []string{"state"}, Read: func(ctx context.Context) ([]metrics.Sample, error) {
			figures, err := jobs.Figures(ctx)
			var samples []metrics.Sample
			for state, n := range figures {
				samples = append(samples, metrics.Sample{Labels: []string{string(state)}, Value: float64(n)})
			}
			return samples, err
		}},
		metrics.Gauge{Name: "gaff_outbox_waiting", Help: "Events in the outbox; more than 100000 are 100000.",
			Read: func(ctx context.Context) ([]metrics.Sample, error) {
				return metrics.One(p.Store.Waiting(ctx, maxOutbox))
			}},
	)
}

// waiting shows what waits on NATS, by app, and by hook if that is wanted.
func waiting(read func(context.Context) ([]queue.Waiting, error), byHook bool) func(context.Context) ([]metrics.Sample, error) {
	return func(ctx context.Context) ([]metrics.Sample, error) {
		list, err := read(ctx)
		samples := make([]metrics.Sample, len(list))
		for i, w := range list {
			labels := []string{w.App, w.Hook}
			if !byHook {
				labels = labels[:1]
			}
			samples[i] = metrics.Sample{Labels: labels, Value: float64(w.Messages)}
		}
		return samples, err
	}
}

// showExecutors has /metrics show what executors count, and how many there are.
func (p *Parts) showExecutors(sets []*executor.Supervisor) error {
	p.Metrics.Of(func(f func(counts [][]byte)) { countsOf(sets, nil, f) })
	return p.Metrics.Add(metrics.Gauge{Name: "gaff_executors", Help: "Executors that serve.",
		Read: func(context.Context) ([]metrics.Sample, error) {
			serving := 0
			for _, s := range sets {
				serving += s.Serving()
			}
			return metrics.One(serving, nil)
		}})
}

// countsOf calls f with what is known and what the executors of all sets count. None of their memory goes meanwhile.
func countsOf(sets []*executor.Supervisor, known [][]byte, f func(counts [][]byte)) {
	if len(sets) == 0 {
		f(known)
		return
	}
	sets[0].Counts(func(counts [][]byte) { countsOf(sets[1:], append(known, counts...), f) })
}
