package metrics

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Gauge is something on a server that can be asked for.
type Gauge struct {
	Name, Help string
	Labels     []string // the names of labels
	// Read asks for it; it obeys ctx. What cannot be had is not shown.
	Read func(ctx context.Context) ([]Sample, error)
}

// Sample is a figure with the values of its labels.
type Sample struct {
	Labels []string
	Value  float64
}

// One is the sample of a gauge without labels.
func One[N int | int64 | uint64](n N, err error) ([]Sample, error) {
	return []Sample{{Value: float64(n)}}, err
}

const (
	// readWithin bounds how long what is on servers is waited for.
	readWithin = 2 * time.Second
	// readFor is how long an answer holds: everybody may look, and asking costs the servers.
	readFor = time.Second
	// maxSamples is how many figures of one gauge are shown apart.
	maxSamples = 10_000
)

// Gauges shows what is on servers. It asks for nothing that is still being asked for.
type Gauges struct {
	gauges []*gauge

	mu    sync.Mutex
	until time.Time
	last  []prometheus.Metric
}

type gauge struct {
	Gauge
	desc    *prometheus.Desc
	log     *slog.Logger
	busy    sync.Mutex // held while it is asked for
	failing bool       // it could not be had the last time
}

func newGauges(list []Gauge, log *slog.Logger) *Gauges {
	g := &Gauges{}
	for _, one := range list {
		g.gauges = append(g.gauges, &gauge{Gauge: one, log: log, desc: prometheus.NewDesc(one.Name, one.Help, one.Labels, nil)})
	}
	return g
}

// Describe implements [prometheus.Collector].
func (g *Gauges) Describe(to chan<- *prometheus.Desc) {
	for _, one := range g.gauges {
		to <- one.desc
	}
}

// Collect implements [prometheus.Collector].
func (g *Gauges) Collect(to chan<- prometheus.Metric) {
	g.mu.Lock()
	if !time.Now().Before(g.until) {
		g.last = g.read()
		g.until = time.Now().Add(readFor)
	}
	last := g.last
	g.mu.Unlock()
	for _, m := range last {
		to <- m
	}
}

// read asks for all at once.
func (g *Gauges) read() (all []prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	answers := make(chan []prometheus.Metric, len(g.gauges))
	asked := 0
	for _, one := range g.gauges {
		if !one.busy.TryLock() {
			continue
		}
		asked++
		go func() {
			defer one.busy.Unlock()
			answers <- one.read(ctx)
		}()
	}
	for range asked {
		select {
		case metrics := <-answers:
			all = append(all, metrics...)
		case <-ctx.Done():
			return all
		}
	}
	return all
}

func (g *gauge) read(ctx context.Context) []prometheus.Metric {
	samples, err := g.Read(ctx)
	if failed := err != nil; failed != g.failing {
		if g.failing = failed; failed {
			g.log.Warn("a metric cannot be had", "name", g.Name, "error", err)
		}
	}
	if err != nil {
		return nil
	}
	var metrics []prometheus.Metric
	for _, s := range bounded(samples, len(g.Labels)) {
		if m, err := prometheus.NewConstMetric(g.desc, prometheus.GaugeValue, s.Value, s.Labels...); err == nil {
			metrics = append(metrics, m)
		}
	}
	return metrics
}

// bounded are the samples, those that are too many together. Two of the same labels are one.
func bounded(samples []Sample, labels int) []Sample {
	slices.SortFunc(samples, func(a, b Sample) int { return slices.Compare(a.Labels, b.Labels) })
	var kept []Sample
	rest := Sample{Labels: slices.Repeat([]string{other}, labels)}
	for _, s := range samples {
		switch n := len(kept); {
		case n > 0 && slices.Equal(kept[n-1].Labels, s.Labels):
			kept[n-1].Value += s.Value
		case n < maxSamples:
			kept = append(kept, s)
		default:
			rest.Value += s.Value
		}
	}
	if rest.Value == 0 {
		return kept
	}
	at, found := slices.BinarySearchFunc(kept, rest, func(a, b Sample) int { return cmp.Compare(slices.Compare(a.Labels, b.Labels), 0) })
	if found {
		kept[at].Value += rest.Value
		return kept
	}
	return append(kept, rest)
}
