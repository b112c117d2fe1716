package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"gaff/hooks"
)

// tagged is an answer with the ETag of what it shows.
type tagged[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// none is a request or an answer without anything.
type none struct{}

func (a *api) releases() {
	s := a.server
	serve(a, operation{id: "list-releases", method: http.MethodGet, path: "/v1/releases", summary: "List releases"}, s.listReleases)
	serve(a, operation{
		id: "apply", method: http.MethodPost, path: "/v1/releases", summary: "Make a project the app's release",
		lenient: true, limit: maxReleaseBody, within: s.timing.readRelease, status: http.StatusCreated,
	}, s.apply)
	serve(a, operation{id: "get-release", method: http.MethodGet, path: "/v1/releases/{n}", summary: "Get a release with its files"}, s.getRelease)
	serve(a, operation{id: "rollback", method: http.MethodPost, path: "/v1/releases/rollback",
		summary: "Make another release current, or end the canary"}, s.rollback)
	serve(a, operation{id: "promote", method: http.MethodPost, path: "/v1/releases/promote", summary: "Make the canary current"}, s.promote)
}

func (s *Server) listReleases(x *exchange, _ *none) (*tagged[[]hooks.ReleaseSummary], error) {
	revision, err := s.revision(x)
	if err != nil {
		return nil, err
	}
	list, err := s.config.History.List(x.r.Context(), x.caller.app)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []hooks.ReleaseSummary{}
	}
	return &tagged[[]hooks.ReleaseSummary]{ETag: etag(revision), Body: list}, nil
}

// revision is that of the app's pointer, 0 if there is no app yet. It is read before what it is the ETag of: a change in
// between then makes the ETag too old, and never too new.
func (s *Server) revision(x *exchange) (uint64, error) {
	p, err := s.config.History.Current(x.r.Context(), x.caller.app)
	if err != nil && hooks.AsError(err).Code == hooks.CodeNotFound {
		return 0, nil
	}
	return p.Revision, err
}

type releaseInput struct {
	N string `path:"n" doc:"the release's number, or current"`
}

// releaseBody is a release as one gets it.
type releaseBody struct {
	App     string            `json:"app"`
	Number  uint64            `json:"release"`
	Created time.Time         `json:"created"`
	Current bool              `json:"current"`
	By      string            `json:"by,omitempty"`
	Canary  int               `json:"canary,omitempty"`
	Files   map[string]string `json:"files"`
	Hooks   []hookBody        `json:"hooks"`
	Jobs    []jobBody         `json:"jobs"`
	Methods []methodBody      `json:"methods"`
}

func (s *Server) getRelease(x *exchange, in *releaseInput) (*tagged[releaseBody], error) {
	n := uint64(0)
	if in.N != "current" {
		var err error
		if n, err = strconv.ParseUint(in.N, 10, 64); err != nil || n == 0 {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "%.40q is neither a release's number nor current", in.N)
		}
	}
	ctx, app := x.r.Context(), x.caller.app
	revision, err := s.revision(x)
	if err != nil {
		return nil, err
	}
	release, err := s.config.History.Get(ctx, app, n)
	if err != nil {
		return nil, err
	}
	list, err := s.config.History.List(ctx, app)
	if err != nil {
		return nil, err
	}
	body := releaseBody{
		App: app, Number: release.Number, Created: release.Created, Files: release.Files, Hooks: []hookBody{}, Jobs: []jobBody{},
		Methods: []methodBody{},
	}
	for i := range list {
		if l := &list[i]; l.Number == release.Number {
			body.Current, body.By, body.Canary = l.Current, l.By, l.Canary
		}
	}
	for i := range release.Hooks {
		body.Hooks = append(body.Hooks, hookBodyOf(&release.Hooks[i]))
	}
	for i := range release.Jobs {
		body.Jobs = append(body.Jobs, jobBodyOf(&release.Jobs[i]))
	}
	for i := range release.Methods {
		body.Methods = append(body.Methods, methodBodyOf(&release.Methods[i]))
	}
	return &tagged[releaseBody]{ETag: etag(revision), Body: body}, nil
}

type applyInput struct {
	Canary  int    `query:"canary" minimum:"1" maximum:"99" doc:"percentage of events that the release gets beside the current one"`
	DryRun  bool   `query:"dryRun" doc:"only say whether it could be applied"`
	IfMatch string `header:"If-Match" doc:"ETag of the releases: another since then is a CONFLICT"`
	Body    struct {
		Files map[string]string `json:"files" doc:"the project's files: source by path"`
	}
}

type applied struct {
	Release uint64 `json:"release,omitempty" doc:"absent from a dry run"`
	App     string `json:"app"`
	Hooks   int    `json:"hooks"`
	Jobs    int    `json:"jobs"`
	Canary  int    `json:"canary,omitempty"`
}

// applyOutput answers an apply: 201, or 200 to a dry run.
type applyOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   applied
}

// apply makes a project its app's release.
func (s *Server) apply(x *exchange, in *applyInput) (*applyOutput, error) {
	match, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if in.Body.Files == nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, `the body must be {"files": {"path": "source", …}}`)
	}
	ctx := x.r.Context()
	release, err := s.build(ctx, &x.caller, in.Body.Files)
	if err != nil {
		return nil, err
	}
	if release, err = s.keepSystemJobs(ctx, &x.caller, release); err != nil {
		return nil, err
	}
	x.caller.app = release.App // the operator's project may name any
	if err := s.checkSecrets(ctx, release); err != nil {
		return nil, err
	}
	before, err := s.config.History.Current(ctx, release.App)
	if err != nil && hooks.AsError(err).Code != hooks.CodeNotFound {
		return nil, err
	}
	if match.given && match.number != before.Revision {
		return nil, hooks.Errorf(hooks.CodeConflict, "somebody else has changed the releases of app %s meanwhile", release.App)
	}
	if in.DryRun {
		return &applyOutput{http.StatusOK, etag(before.Revision), appliedOf(release, in.Canary)}, nil
	}
	o := hooks.ApplyOptions{IfRevision: match.number, CanaryPercent: in.Canary, By: x.caller.actor}
	release, revision, err := s.config.Releases.Apply(ctx, release, o)
	if err != nil {
		return nil, invalidProject(err)
	}
	action := "release-apply"
	if in.Canary > 0 {
		action = "release-canary"
	}
	s.audit(x, release.App, action, number(before.Release), number(release.Number))
	return &applyOutput{http.StatusCreated, etag(revision), appliedOf(release, in.Canary)}, nil
}

func appliedOf(r *hooks.Release, canary int) applied {
	return applied{r.Number, r.App, len(r.Hooks), len(r.Jobs), canary}
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

// build makes a release of a project that the caller may apply. One that names no app is the caller's.
func (s *Server) build(ctx context.Context, c *caller, files map[string]string) (*hooks.Release, error) {
	select {
	case s.building <- struct{}{}:
		defer func() { <-s.building }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	built, err := s.config.Build(files)
	if err != nil {
		return nil, invalidProject(err)
	}
	release := *built
	chosen := c.named || !c.operates()
	if release.App == hooks.DefaultApp && chosen {
		release.App = c.app
	}
	switch {
	case release.App != c.app && c.operates() && chosen:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%s is of app %s and the header Gaff-App says %s", hooks.ProjectFile, release.App, c.app)
	case release.App != c.app && !c.operates():
		return nil, hooks.Errorf(hooks.CodeForbidden, "the key is not one of app %s", release.App)
	}
	return &release, nil
}

// keepSystemJobs has a release keep the jobs that were made as documents, which no project has.
func (s *Server) keepSystemJobs(ctx context.Context, c *caller, r *hooks.Release) (*hooks.Release, error) {
	current, err := s.config.History.Get(ctx, r.App, 0)
	switch {
	case err != nil && hooks.AsError(err).Code == hooks.CodeNotFound:
		return r, nil
	case err != nil:
		return nil, err
	}
	files := hooks.KeepSystemJobs(r.Files, current)
	if len(files) == len(r.Files) {
		return r, nil
	}
	return s.build(ctx, c, files)
}

// checkSecrets returns an error that names each place where the project refers to a secret that the app has not.
func (s *Server) checkSecrets(ctx context.Context, r *hooks.Release) error {
	if len(r.SecretRefs()) == 0 {
		return nil
	}
	list, err := s.config.Secrets.List(ctx, r.App)
	if err != nil {
		return err
	}
	return invalidProject(r.CheckSecrets(func(name string) bool {
		return slices.ContainsFunc(list, func(known hooks.SecretSummary) bool { return known.Name == name })
	}))
}

// invalidProject makes an answer of all that is wrong with a project. Other errors stay as they are.
func invalidProject(err error) error {
	bad, ok := errors.AsType[*hooks.ProjectError](err)
	if !ok {
		return err
	}
	found := "1 problem"
	if n := len(bad.Problems); n != 1 {
		found = fmt.Sprintf("%d problems", n)
	}
	e := hooks.Errorf(hooks.CodeValidation, "the project has %s; nothing was applied", found)
	for _, p := range bad.Problems {
		at := fmt.Sprintf("%s:%d:%d", p.File, max(p.Line, 1), max(p.Col, 1))
		e.Fields = append(e.Fields, hooks.FieldError{Field: at, Message: p.Message})
	}
	return e
}

type rollbackInput struct {
	IfMatch string `header:"If-Match"`
	Body    *struct {
		Release uint64 `json:"release,omitempty" doc:"absent: ends the canary, or goes back to the release before"`
	}
}

type promoteInput struct {
	IfMatch string `header:"If-Match"`
}

func (s *Server) rollback(x *exchange, in *rollbackInput) (*tagged[hooks.Pointer], error) {
	to := uint64(0)
	if in.Body != nil {
		to = in.Body.Release
	}
	return s.swing(x, in.IfMatch, "release-rollback", func(ctx context.Context, o hooks.ApplyOptions) (hooks.Pointer, error) {
		return s.config.Releases.Rollback(ctx, x.caller.app, to, o)
	})
}

func (s *Server) promote(x *exchange, in *promoteInput) (*tagged[hooks.Pointer], error) {
	return s.swing(x, in.IfMatch, "release-promote", func(ctx context.Context, o hooks.ApplyOptions) (hooks.Pointer, error) {
		return s.config.Releases.Promote(ctx, x.caller.app, o)
	})
}

// swing changes which release serves.
func (s *Server) swing(
	x *exchange, header, action string, change func(context.Context, hooks.ApplyOptions) (hooks.Pointer, error),
) (*tagged[hooks.Pointer], error) {
	match, err := ifMatch(header)
	if err != nil {
		return nil, err
	}
	ctx := x.r.Context()
	before, err := s.config.History.Current(ctx, x.caller.app)
	if err != nil {
		return nil, err
	}
	if match.given && match.number != before.Revision {
		return nil, hooks.Errorf(hooks.CodeConflict, "somebody else has changed the releases of app %s meanwhile", x.caller.app)
	}
	after, err := change(ctx, hooks.ApplyOptions{IfRevision: match.number, By: x.caller.actor})
	if err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, action, number(before.Release), number(after.Release))
	return &tagged[hooks.Pointer]{ETag: etag(after.Revision), Body: after}, nil
}
