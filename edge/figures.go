package edge

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gaff/hooks"
)

// figuresOf is the period of the figures.
const figuresOf = time.Hour

// figures say how a hook or job has fared in the last hour, as far as the newest records tell.
type figures struct {
	LastRun   *lastRun         `json:"lastRun,omitempty"`
	Runs      int              `json:"runs"`
	Errors    int              `json:"errors" doc:"runs that ended other than ok or rejected"`
	ErrorRate float64          `json:"errorRate" doc:"errors per run"`
	ByRelease []releaseFigures `json:"byRelease"`
}

type lastRun struct {
	Time   time.Time    `json:"time"`
	Status hooks.Status `json:"status"`
	MS     float64      `json:"ms"`
}

type releaseFigures struct {
	Release uint64 `json:"release"`
	Runs    int    `json:"runs"`
	Errors  int    `json:"errors"`
}

// figures reads those of all hooks or jobs of an app, or of the one of that name.
func (s *Server) figures(ctx context.Context, app string, kind hooks.Kind, name string) (map[string]*figures, error) {
	filter := hooks.LogFilter{App: app, Kind: kind, Name: name, Limit: maxRecords}
	since := time.Now().Add(-figuresOf)
	if kind != hooks.KindJob && name == "" {
		filter.Since = since // jobs run seldom: of them, and of a single hook, the last run may be older
	}
	records, err := s.config.Logs.Logs(ctx, filter)
	if err != nil {
		return nil, err
	}
	found := map[string]*figures{}
	for i := range records {
		r := &records[i]
		name := r.Name
		if r.Kind == hooks.KindMethod {
			name = r.Service + "." + r.Name
		}
		f := found[name]
		if f == nil {
			f = &figures{ByRelease: []releaseFigures{}}
			found[name] = f
		}
		f.add(r, since)
	}
	for _, f := range found {
		slices.SortFunc(f.ByRelease, func(a, b releaseFigures) int { return cmp.Compare(a.Release, b.Release) })
		if f.Runs > 0 {
			f.ErrorRate = float64(f.Errors) / float64(f.Runs)
		}
	}
	return found, nil
}

func (f *figures) add(r *hooks.Record, since time.Time) {
	if f.LastRun == nil || !r.Time.Before(f.LastRun.Time) {
		f.LastRun = &lastRun{r.Time, r.Status, r.MS}
	}
	if r.Time.Before(since) {
		return
	}
	i := slices.IndexFunc(f.ByRelease, func(b releaseFigures) bool { return b.Release == r.Release })
	if i < 0 {
		i = len(f.ByRelease)
		f.ByRelease = append(f.ByRelease, releaseFigures{Release: r.Release})
	}
	f.Runs++
	f.ByRelease[i].Runs++
	if r.Status != hooks.StatusOK && r.Status != hooks.StatusRejected {
		f.Errors++
		f.ByRelease[i].Errors++
	}
}

// of returns the figures of a name, none if it has not run.
func of(all map[string]*figures, name string) figures {
	if f := all[name]; f != nil {
		return *f
	}
	return figures{ByRelease: []releaseFigures{}}
}
