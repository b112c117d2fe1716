package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"gaff/hooks"
)

// proposal is a project beside the current release of its app.
type proposal struct {
	client  *client
	release *hooks.Release // of the project
	current *hooks.Release // nil: the app has none
	etag    string         // of the current release
	changes []change
}

// compared loads a project and compares it with the current release of its app.
func (g *target) compared(ctx context.Context, dir string) (*proposal, error) {
	if err := checkOutput(g.output); err != nil {
		return nil, err
	}
	release, err := g.compile(dir)
	if err != nil {
		return nil, err
	}
	app := g.app
	if app == "" && release.App != hooks.DefaultApp { // a project that names no app is the key's
		app = release.App
	}
	p := &proposal{release: release}
	if p.client, err = g.newClient(app); err != nil {
		return nil, err
	}
	if err := p.fetch(ctx); err != nil {
		return nil, err
	}
	if kept := hooks.KeepSystemJobs(release.Files, p.current); len(kept) > len(release.Files) { // the server keeps them too
		if release, err = hooks.LoadProject(kept); err != nil {
			return nil, err
		}
		p.release = release
	}
	if p.current != nil && maps.Equal(p.current.Files, release.Files) {
		return p, nil
	}
	p.changes, err = changesBetween(p.current, release)
	return p, err
}

// compile loads a project, which takes a while if it is large.
func (g *target) compile(dir string) (*hooks.Release, error) {
	defer g.busy("compiling " + dir)()
	return loadProject(dir)
}

// fetch gets the current release. What it registers is read from its files, as the project is.
func (p *proposal) fetch(ctx context.Context) error {
	answer, err := p.client.do(ctx, request{method: http.MethodGet, path: "/v1/releases/current"})
	switch {
	case codeOf(err) == hooks.CodeNotFound:
		none, err := releaseState(ctx, p.client) // that there is no release has an ETag too
		if err == nil {
			p.etag = none.etag
		}
		return err
	case err != nil:
		return err
	}
	var got struct {
		App     string            `json:"app"`
		Number  uint64            `json:"release"`
		Created time.Time         `json:"created"`
		Files   map[string]string `json:"files"`
	}
	if err := decode(answer.body, &got); err != nil {
		return err
	}
	p.etag = answer.etag
	p.current = &hooks.Release{Files: got.Files}
	if loaded, err := hooks.LoadProject(got.Files); err == nil { // else it is of another version: its files can be compared
		p.current = loaded
	}
	p.current.App, p.current.Number, p.current.Created = got.App, got.Number, got.Created
	return nil
}

// was says what the project was compared with.
func (p *proposal) was() string {
	if p.current == nil {
		return "no release"
	}
	return fmt.Sprintf("release %d", p.current.Number)
}

// withoutTexts is a list of changes that stays short however long the files are.
func withoutTexts(changes []change) []change {
	short := slices.Clone(changes)
	for i := range short {
		short[i].Diff = ""
	}
	return short
}
