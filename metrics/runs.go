package metrics

import (
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Runs shows what this process has counted, and others that it has started, also those that are gone. It is safe for
// concurrent use.
type Runs struct {
	own    *Counts
	others func(func(counts [][]byte)) // may be nil

	mu    sync.Mutex
	gone  sums // of processes that are
	shown shown

	runs, took, dropped *prometheus.Desc
}

// sums is what several processes have counted.
type sums struct {
	dropped uint64
	runs    map[key]uint64
	times   map[key]*timesSum
}

type timesSum struct {
	micros  uint64
	buckets [len(bounds) + 1]uint64
}

// shown are the series that have a name of their own: which do does not change, so that none goes back.
type shown struct{ runs, times map[key]bool }

// newRuns returns runs of this process and, if others is not nil, of those that it lends the counts of.
func newRuns() *Runs {
	return &Runs{
		own: NewCounts(), gone: newSums(), shown: shown{map[key]bool{}, map[key]bool{}},
		runs: prometheus.NewDesc("gaff_runs_total", "Runs of hooks, jobs and methods by how they ended; dead: hooks that were given up.",
			[]string{"app", "kind", "name", "status"}, nil),
		took:    prometheus.NewDesc("gaff_run_duration_seconds", "How long runs took.", []string{"app", "kind"}, nil),
		dropped: prometheus.NewDesc("gaff_records_dropped_total", "Records of runs that the log does not have.", nil, nil),
	}
}

// Counts counts the runs of this process.
func (r *Runs) Counts() *Counts { return r.own }

// Of has what other processes count shown, too. others lends the memory of those that live to a function; while that runs
// [Runs.Gone] is not called. To be called before anybody looks.
func (r *Runs) Of(others func(func(counts [][]byte))) { r.others = others }

// Gone takes over what a process has counted that is gone. It keeps nothing of the memory.
func (r *Runs) Gone(counts []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone.add(in(counts))
}

// Describe implements [prometheus.Collector].
func (r *Runs) Describe(to chan<- *prometheus.Desc) { to <- r.runs; to <- r.took; to <- r.dropped }

// Collect implements [prometheus.Collector].
func (r *Runs) Collect(to chan<- prometheus.Metric) {
	all := r.sum()
	for k, n := range all.runs {
		to <- prometheus.MustNewConstMetric(r.runs, prometheus.CounterValue, float64(n), k.app, string(kinds[k.kind]), k.name, string(statuses[k.status]))
	}
	for k, t := range all.times {
		cumulative, n := make(map[float64]uint64, len(bounds)), uint64(0)
		for i, bound := range bounds {
			n += t.buckets[i]
			cumulative[bound] = n
		}
		n += t.buckets[len(bounds)]
		to <- prometheus.MustNewConstHistogram(r.took, n, float64(t.micros)/1e6, cumulative, k.app, string(kinds[k.kind]))
	}
	to <- prometheus.MustNewConstMetric(r.dropped, prometheus.CounterValue, float64(all.dropped))
}

// sum is what all have counted, within the bounds of one.
func (r *Runs) sum() (all sums) {
	others := r.others
	if others == nil {
		others = func(f func([][]byte)) { f(nil) }
	}
	others(func(counts [][]byte) {
		r.mu.Lock()
		defer r.mu.Unlock()
		all = r.gone.clone()
		all.add(r.own.memory)
		for _, b := range counts {
			all.add(in(b))
		}
		r.shown.bound(&all)
	})
	return all
}

func newSums() sums { return sums{runs: map[key]uint64{}, times: map[key]*timesSum{}} }

func (s *sums) clone() sums {
	c := sums{dropped: s.dropped, runs: maps.Clone(s.runs), times: make(map[key]*timesSum, len(s.times))}
	for k, t := range s.times {
		own := *t
		c.times[k] = &own
	}
	return c
}

// add adds what a process has counted. What it says of itself is not relied on.
func (s *sums) add(m *memory) {
	s.dropped += m.dropped.Load()
	for i := range min(m.series.Load(), maxSeries) {
		if k, ok := m.counts[i].get(); ok {
			s.runs[k] += m.counts[i].runs.Load()
		}
	}
	for i := range min(m.times.Load(), maxTimes) {
		d := &m.duration[i]
		k, ok := d.get()
		if !ok {
			continue
		}
		t := s.time(k)
		t.micros += d.micros.Load()
		for j := range d.buckets {
			t.buckets[j] += d.buckets[j].Load()
		}
	}
}

func (s *sums) time(k key) *timesSum {
	t := s.times[k]
	if t == nil {
		t = &timesSum{}
		s.times[k] = t
	}
	return t
}

// bound counts together what is too much to be shown apart: several processes may have seen several names.
func (s *shown) bound(all *sums) {
	for _, k := range admit(s.runs, slices.Collect(maps.Keys(all.runs)), maxSeries) {
		all.runs[k.rest()[1]] += all.runs[k]
		delete(all.runs, k)
	}
	for _, k := range admit(s.times, slices.Collect(maps.Keys(all.times)), maxTimes) {
		rest := all.time(key{app: other, kind: k.kind})
		rest.micros += all.times[k].micros
		for i, n := range all.times[k].buckets {
			rest.buckets[i] += n
		}
		delete(all.times, k)
	}
}

// admit adds to shown what there is room for and returns the rest. What stands for the rest itself always has room.
func admit(shown map[key]bool, found []key, most int) (rest []key) {
	for _, k := range found {
		if shown[k] {
			continue
		}
		if len(shown) < most || k.app == other {
			shown[k] = true
			continue
		}
		rest = append(rest, k)
	}
	return rest
}
