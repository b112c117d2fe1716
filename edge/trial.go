package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"gaff/hooks"
)

// trialWithin bounds a dry run that names no deadline.
const trialWithin = 30 * time.Second

type trialInput struct {
	Body struct {
		Files    map[string]string `json:"files,omitempty" doc:"a project"`
		Release  uint64            `json:"release,omitempty" doc:"or a release of the app; default: the current one"`
		Event    json.RawMessage   `json:"event" doc:"as /v1/events takes it"`
		Function string            `json:"function,omitempty" doc:"only run this function"`
	}
}

type trialBody struct {
	Verdict hooks.Verdict    `json:"verdict"`
	Log     []hooks.LogLine  `json:"log"`
	Calls   []hooks.HostCall `json:"calls"`
	MS      float64          `json:"ms"`
}

func (a *api) trial() {
	s := a.server
	serve(a, operation{
		id: "test", method: http.MethodPost, path: "/v1/test", summary: "Run the hooks of an event without any effect",
		lenient: true, limit: maxReleaseBody, within: s.timing.readRelease,
	}, s.try)
}

// try runs an event dry.
func (s *Server) try(x *exchange, in *trialInput) (*tagged[trialBody], error) {
	if len(in.Body.Event) == 0 {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the body lacks the field event")
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), trialWithin)
	defer cancel()
	release, err := s.candidate(ctx, x, in)
	if err != nil {
		return nil, err
	}
	c := x.caller
	c.app = release.App
	e, err := parseEvent(in.Body.Event, &c)
	if err != nil {
		return nil, err
	}
	if e.App != release.App {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the event is of app %s and the release of app %s", e.App, release.App)
	}
	if e.ID == "" {
		e.ID = x.id
	}
	e.Deadline, _ = ctx.Deadline()
	select {
	case s.trying <- struct{}{}:
		defer func() { <-s.trying }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	started := time.Now()
	verdict, records, err := s.config.DryRun(ctx, release, e)
	if err != nil {
		return nil, err
	}
	body := trialBody{verdict, []hooks.LogLine{}, []hooks.HostCall{}, float64(time.Since(started).Microseconds()) / 1000}
	for _, r := range records {
		body.Log = append(body.Log, r.Log...)
		body.Calls = append(body.Calls, r.Calls...)
	}
	return &tagged[trialBody]{Body: body}, nil
}

// candidate is the release that an event is tried on.
func (s *Server) candidate(ctx context.Context, x *exchange, in *trialInput) (*hooks.Release, error) {
	var release *hooks.Release
	var err error
	switch {
	case in.Body.Files != nil && in.Body.Release != 0:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "give files or a release, not both")
	case in.Body.Files != nil:
		release, err = s.build(ctx, &x.caller, in.Body.Files)
	default:
		release, err = s.config.History.Get(ctx, x.caller.app, in.Body.Release)
	}
	if err != nil || in.Body.Function == "" {
		return release, err
	}
	return only(release, in.Body.Function)
}

// only is a release of the hooks that have the function, and nothing else.
func only(r *hooks.Release, function string) (*hooks.Release, error) {
	with := *r
	with.Hooks = nil
	for _, h := range r.Hooks {
		if slices.Contains(h.Functions, function) {
			h.Functions = []string{function}
			with.Hooks = append(with.Hooks, h)
		}
	}
	if len(with.Hooks) == 0 {
		return nil, hooks.Errorf(hooks.CodeHookNotFound, "no hook has the function %.64q", function)
	}
	return &with, nil
}
