package edge

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"gaff/hooks"
)

// Bounds of an answer with records.
const (
	defaultRecords = 100
	maxRecords     = 10_000
)

// logs answers with the newest records that the parameters select, oldest first.
func (s *Server) logs(x *exchange) error {
	filter, err := logFilter(x)
	if err != nil {
		return err
	}
	records, err := s.config.Logs.Logs(x.r.Context(), filter)
	if err != nil {
		return err
	}
	if records == nil {
		records = []hooks.Record{}
	}
	return x.encode(http.StatusOK, records)
}

// logFilter reads which records of the caller's app the parameters select.
func logFilter(x *exchange) (hooks.LogFilter, error) {
	f := hooks.LogFilter{App: x.caller.app, Limit: defaultRecords}
	p, err := parseParams(x.r.URL.RawQuery, "kind", "hook", "job", "status", "since", "id", "trace", "limit")
	if err != nil {
		return f, err
	}
	kinds := []hooks.Kind{"", hooks.KindHook, hooks.KindJob, hooks.KindMethod, hooks.KindAudit}
	f.Kind = hooks.Kind(p["kind"])
	switch {
	case !slices.Contains(kinds, f.Kind):
		return f, wrong("kind", "hook, job, method or audit")
	case f.Kind != "" && p["hook"]+p["job"] != "":
		return f, hooks.Errorf(hooks.CodeBadRequest, "give the parameter kind, hook or job, not several")
	case p["hook"] != "" && p["job"] != "":
		return f, hooks.Errorf(hooks.CodeBadRequest, "give the parameter hook or job, not both")
	case p["hook"] != "":
		f.Kind, f.Name = hooks.KindHook, p["hook"]
	case p["job"] != "":
		f.Kind, f.Name = hooks.KindJob, p["job"]
	}
	if f.Name != "" {
		if err := hooks.CheckName(string(f.Kind), f.Name); err != nil {
			return f, err
		}
	}
	f.Event, f.Trace, f.Status = p["id"], p["trace"], hooks.Status(p["status"])
	if f.Status != "" && !slices.Contains(statuses(), f.Status) {
		return f, wrong("status", "ok, rejected, failed, timeout, crashed or dead")
	}
	if limit := p["limit"]; limit != "" {
		if f.Limit, err = strconv.Atoi(limit); err != nil || f.Limit < 1 || f.Limit > maxRecords {
			return f, wrong("limit", "a number from 1 to "+strconv.Itoa(maxRecords))
		}
	}
	f.Since, err = instant(p["since"], time.Now())
	return f, err
}

// statuses are those that a record can have, also of executors of later versions.
func statuses() []hooks.Status {
	return []hooks.Status{
		hooks.StatusOK, hooks.StatusRejected, hooks.StatusFailed, hooks.StatusTimeout, "crashed", "dead",
	}
}

// instant is the moment that since means: a duration before now, or a time. The zero time if it is not given.
func instant(since string, now time.Time) (time.Time, error) {
	if since == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(since); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, since)
	if err != nil {
		return t, wrong("since", "a duration such as 1h, or a time such as 2026-01-02T15:04:05Z")
	}
	return t, nil
}
