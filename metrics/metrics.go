package metrics

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is what a process shows. It is safe for concurrent use once all of it is added.
type Metrics struct {
	*Runs
	registry *prometheus.Registry
	log      *slog.Logger
}

// New returns what every process shows: its runs, its own figures and those of the Go runtime.
func New(log *slog.Logger) *Metrics {
	m := &Metrics{Runs: newRuns(), registry: prometheus.NewRegistry(), log: log}
	m.registry.MustRegister(m.Runs, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Add has more shown, no name twice.
func (m *Metrics) Add(gauges ...Gauge) error { return m.registry.Register(newGauges(gauges, m.log)) }

// Deaths shows how often executors have died, by one of these reasons. The function counts one.
func (m *Metrics) Deaths(reasons []string) (func(reason string), error) {
	deaths := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "gaff_executor_deaths_total", Help: "Executors that have died, by why.",
	}, []string{"reason"})
	for _, reason := range reasons {
		deaths.WithLabelValues(reason)
	}
	return func(reason string) { deaths.WithLabelValues(reason).Inc() }, m.registry.Register(deaths)
}

// maxScrapes is how many may look at once; more are answered 503.
const maxScrapes = 4

// Handler answers with all metrics, as text or as else the request asks for them.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(m.log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
	})
}
