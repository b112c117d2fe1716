package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"gaff/hooks"
)

// project is a folder whose content is kept live.
type project struct {
	dir, data     string
	releases      releases
	secrets       secretLister
	recorder      hooks.Recorder // of the audit trail
	out, problems io.Writer

	applied map[string]string // the files as they were last applied
	release *hooks.Release    // of those files; nil: none was applied
}

// secretLister knows which secrets an app has.
type secretLister interface {
	List(ctx context.Context, app string) ([]hooks.SecretSummary, error)
}

// releases is where a project's releases go.
type releases interface {
	// Apply makes r the current release of its app; it returns the release with its number.
	Apply(ctx context.Context, r *hooks.Release, o hooks.ApplyOptions) (applied *hooks.Release, revision uint64, err error)
	// Get returns a release, the current one for 0.
	Get(ctx context.Context, app string, number uint64) (*hooks.Release, error)
}

// settle is how long the folder must be quiet before it is read: editors save in several steps.
const settle = 50 * time.Millisecond

// follow applies the folder whenever it changes. What is wrong with it is reported, and the last good release stays.
func (p *project) follow(ctx context.Context) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watching %s: %w", p.dir, err)
	}
	defer watcher.Close()
	if err := p.watch(watcher, p.dir); err != nil {
		return fmt.Errorf("watching %s: %w", p.dir, err)
	}
	if err := p.load(ctx); err != nil { // what changed before the watch began
		return err
	}
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-watcher.Events:
			if info, err := os.Stat(e.Name); err == nil && info.IsDir() {
				if err := p.watch(watcher, e.Name); err != nil {
					fmt.Fprintf(p.problems, "watching %s: %v\n", e.Name, err)
				}
			}
			quiet.Reset(settle)
		case err := <-watcher.Errors:
			fmt.Fprintf(p.problems, "watching %s: %v\n", p.dir, err)
			quiet.Reset(settle) // something may have been missed
		case <-quiet.C:
			if err := p.load(ctx); err != nil {
				return err
			}
		}
	}
}

// watch watches a folder and those in it that can hold files of the project.
func (p *project) watch(watcher *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != p.dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || path == p.data):
			return fs.SkipDir
		}
		return watcher.Add(path)
	})
}

// load makes the folder as it is now the app's release, if it differs from the current one. Only a server that does not
// take it is an error.
func (p *project) load(ctx context.Context) error {
	files, err := hooks.ReadProject(os.DirFS(p.dir))
	if err != nil {
		fmt.Fprintln(p.problems, err)
		return nil
	}
	if p.applied != nil && maps.Equal(files, p.applied) {
		return nil
	}
	p.applied = nil
	release, err := p.build(ctx, files)
	var current *hooks.Release
	if err == nil {
		current, err = p.current(ctx, release.App)
	}
	if kept := hooks.KeepSystemJobs(files, current); err == nil && len(kept) > len(files) {
		release, err = p.build(ctx, kept)
	}
	if bad, ok := errors.AsType[*hooks.ProjectError](err); ok {
		fmt.Fprintf(p.problems, "%v\nnot applied; the last good release stays\n", bad)
		return nil
	}
	if err != nil {
		return err
	}
	p.applied = files
	if current != nil && maps.Equal(current.Files, release.Files) {
		p.release = current
		fmt.Fprintf(p.out, "release %d of %s is unchanged\n", current.Number, release.App)
		return nil
	}
	start := time.Now()
	applied, _, err := p.releases.Apply(ctx, release, hooks.ApplyOptions{By: "dev"})
	if err != nil {
		return err
	}
	p.release = applied
	p.recorder.Record(hooks.NewAuditRecord(applied.App, auditOf(current, applied)))
	fmt.Fprintf(p.out, "release %d of %s: %d hooks, %d jobs (%v)\n", applied.Number, applied.App,
		len(applied.Hooks), len(applied.Jobs), time.Since(start).Round(time.Millisecond))
	return nil
}

// current is the app's current release, nil if it has none.
func (p *project) current(ctx context.Context, app string) (*hooks.Release, error) {
	r, err := p.releases.Get(ctx, app, 0)
	if err != nil && notFound(err) {
		return nil, nil
	}
	return r, err
}

// build makes a release of the files. What is wrong with them is a [hooks.ProjectError].
func (p *project) build(ctx context.Context, files map[string]string) (*hooks.Release, error) {
	release, err := hooks.LoadProject(files)
	if err != nil {
		return nil, err
	}
	list, err := p.secrets.List(ctx, release.App)
	if err != nil {
		return nil, err
	}
	return release, release.CheckSecrets(func(name string) bool {
		return slices.ContainsFunc(list, func(s hooks.SecretSummary) bool { return s.Name == name })
	})
}

// auditOf says that a release was applied, as the server does when it is asked to. before is nil for the first.
func auditOf(before, applied *hooks.Release) hooks.Audit {
	a := hooks.Audit{Actor: "dev", Action: "release-apply", To: number(applied.Number)}
	if before != nil {
		a.From = number(before.Number)
	}
	return a
}

func notFound(err error) bool {
	var e *hooks.Error
	return errors.As(err, &e) && e.Code == hooks.CodeNotFound
}
