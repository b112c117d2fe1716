package edge

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"gaff/hooks"
)

// livez says that the process serves.
func (s *Server) livez(x *exchange) error {
	return x.send(http.StatusOK, []byte(`{"status":"live"}`))
}

// readyz says whether the server can carry calls out, or names what it lacks.
func (s *Server) readyz(x *exchange) error {
	if s.stops() {
		return hooks.Errorf(hooks.CodeUnavailable, "not ready: the server is stopping")
	}
	missing := s.ready.missing()
	if len(missing) == 0 {
		return x.send(http.StatusOK, []byte(`{"status":"ready"}`))
	}
	err := hooks.Errorf(hooks.CodeUnavailable, "not ready: %s", strings.Join(missing, ", "))
	for _, name := range missing {
		err.Fields = append(err.Fields, hooks.FieldError{Field: name, Message: "missing"})
	}
	return err
}

// metrics says what the process has done and what waits, in the format of Prometheus.
func (s *Server) metrics(x *exchange) error {
	x.begun = true
	s.config.Metrics.ServeHTTP(x.w, x.r)
	return nil
}

const (
	// readyWithin bounds all checks together.
	readyWithin = 2 * time.Second
	// readyFor is how long an answer holds: everybody may ask, and asking costs the servers behind.
	readyFor = 100 * time.Millisecond
)

// readiness asks the checks, never twice at the same moment.
type readiness struct {
	checks map[string]func(context.Context) error
	log    *slog.Logger

	mu      sync.Mutex
	lacking []string
	until   time.Time
}

// missing returns the names of the checks that fail or do not answer, sorted. Why is logged when it changes.
func (rd *readiness) missing() []string {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	if time.Now().Before(rd.until) {
		return rd.lacking
	}
	failed := rd.ask()
	lacking := slices.Sorted(maps.Keys(failed))
	if !slices.Equal(lacking, rd.lacking) {
		for _, name := range lacking {
			rd.log.Warn("not ready", "missing", name, "error", failed[name])
		}
	}
	rd.lacking, rd.until = lacking, time.Now().Add(readyFor)
	return lacking
}

// ask runs all checks, for as long as readyWithin, and returns the errors of those that fail.
func (rd *readiness) ask() map[string]error {
	ctx, cancel := context.WithTimeout(context.Background(), readyWithin) // one caller's going is not the others'
	defer cancel()
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(rd.checks))
	failed := make(map[string]error, len(rd.checks))
	for name, check := range rd.checks {
		failed[name] = errors.New("no answer in time")
		go func() { results <- result{name, check(ctx)} }()
	}
	for range rd.checks {
		select {
		case r := <-results:
			if failed[r.name] = r.err; r.err == nil {
				delete(failed, r.name)
			}
		case <-ctx.Done():
			return failed
		}
	}
	return failed
}
