package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"gaff/hooks"
)

// apply makes a project its app's current release.
func (s *Server) apply(x *exchange) error {
	files, err := s.project(x)
	if err != nil {
		return err
	}
	ctx := x.r.Context()
	select {
	case s.building <- struct{}{}:
		defer func() { <-s.building }()
	case <-ctx.Done():
		return ctx.Err()
	}
	release, err := s.config.Build(files)
	if err != nil {
		return invalidProject(err)
	}
	switch {
	case release.App != x.caller.app && x.caller.named:
		return hooks.Errorf(hooks.CodeBadRequest, "%s is of app %s and the header Gaff-App says %s",
			hooks.ProjectFile, release.App, x.caller.app)
	case release.App != x.caller.app && !x.caller.admin:
		return hooks.Errorf(hooks.CodeForbidden, "the key is not one of app %s", release.App)
	}
	if release, err = s.config.Releases.Apply(ctx, release); err != nil {
		return invalidProject(err)
	}
	return x.encode(http.StatusCreated, struct {
		Release uint64 `json:"release"`
		App     string `json:"app"`
		Hooks   int    `json:"hooks"`
		Jobs    int    `json:"jobs"`
	}{release.Number, release.App, len(release.Hooks), len(release.Jobs)})
}

// project reads the files of a request's project.
func (s *Server) project(x *exchange) (map[string]string, error) {
	if _, err := parseParams(x.r.URL.RawQuery); err != nil {
		return nil, err
	}
	x.readWithin(s.timing.readRelease)
	body, err := x.json(maxReleaseBody)
	if err != nil {
		return nil, err
	}
	var project struct {
		Files map[string]string `json:"files"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&project); err != nil || project.Files == nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, `the body must be {"files": {"path": "source", …}}`)
	}
	return project.Files, nil
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

// releases lists the app's releases.
func (s *Server) releases(x *exchange) error {
	if _, err := parseParams(x.r.URL.RawQuery); err != nil {
		return err
	}
	list, err := s.config.Releases.List(x.r.Context(), x.caller.app)
	if err != nil {
		return err
	}
	if list == nil {
		list = []hooks.ReleaseSummary{}
	}
	return x.encode(http.StatusOK, list)
}
