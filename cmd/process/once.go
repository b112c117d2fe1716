package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"gaff/executor"
	"gaff/hooks"
)

// once is what a process does that is started for it alone: it compiles a project, or runs one event dry. Neither is done
// where others depend on it, since a script can end the process that compiles it.
type once struct {
	Config   Config
	VaultKey string
	Files    map[string]string // to be compiled; nil: Release and Event are to be run
	Release  *hooks.Release
	Event    *hooks.Event
}

// outcome is what has come of it.
type outcome struct {
	Release  *hooks.Release
	Problems []hooks.Problem // why there is no release
	Verdict  json.RawMessage
	Records  []hooks.Record
	Error    *hooks.Error
}

const (
	// buildWithin bounds how long a project may take to compile.
	buildWithin = 30 * time.Second
	// tryWithin bounds a dry run, which its hooks' own timeouts end sooner as a rule.
	tryWithin = 2 * hooks.MaxTimeout
)

// build is [hooks.LoadProject] in a process of its own.
func (p *Parts) build(files map[string]string) (*hooks.Release, error) {
	if p.Config.Executors == 0 {
		return hooks.LoadProject(files)
	}
	out, err := p.once(context.Background(), buildWithin, once{Files: files})
	switch {
	case err != nil:
		return nil, hooks.Errorf(hooks.CodeUnavailable, "the project could not be compiled: it takes too long, or more memory than it may").Because(err)
	case out.Release == nil:
		return nil, &hooks.ProjectError{Problems: out.Problems}
	}
	return out.Release, nil
}

// try is dryRun in a process of its own.
func (p *Parts) try(ctx context.Context, r *hooks.Release, e *hooks.Event) (hooks.Verdict, []hooks.Record, error) {
	if p.Config.Executors == 0 {
		return p.dryRun(ctx, r, e)
	}
	out, err := p.once(ctx, tryWithin, once{Release: r, Event: e})
	switch {
	case err != nil && ctx.Err() != nil:
		return hooks.Verdict{}, nil, err
	case err != nil:
		return hooks.Stop(hooks.Errorf(hooks.CodeHookCrashed, "the script ended the process that ran it: %v", err)), nil, nil
	case out.Error != nil:
		out.Error.Status = out.Error.Code.Status()
		return hooks.Verdict{}, nil, out.Error
	}
	verdict, err := hooks.ParseVerdict(out.Verdict)
	return verdict, out.Records, err
}

// once has a process do what is said.
func (p *Parts) once(ctx context.Context, within time.Duration, o once) (*outcome, error) {
	told, err := p.errand()
	if err != nil {
		return nil, err
	}
	o.Config, o.VaultKey = told.Config, told.VaultKey
	input, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	raw, err := executor.Once(ctx, input, os.Stderr)
	if err != nil {
		return nil, err
	}
	var out outcome
	return &out, json.Unmarshal(raw, &out)
}

// doOnce is the program of a process that was started for one thing.
func doOnce(ctx context.Context, stderr io.Writer) error {
	input, result, err := executor.Errand()
	if err != nil {
		return err
	}
	var o once
	if err := json.Unmarshal(input, &o); err != nil {
		return fmt.Errorf("what is to be done: %w", err)
	}
	boundMemory(o.Config.MemoryLimit)
	if err := executor.Bound(o.Config.MemoryLimit); err != nil {
		return err
	}
	out, err := o.do(ctx, stderr)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return err
	}
	_, err = result.Write(raw)
	return errors.Join(err, result.Close())
}

func (o *once) do(ctx context.Context, stderr io.Writer) (*outcome, error) {
	if o.Files != nil {
		if err := executor.Confine(executor.Paths{}); err != nil {
			return nil, err
		}
		release, err := hooks.LoadProject(o.Files)
		if bad, ok := errors.AsType[*hooks.ProjectError](err); ok {
			return &outcome{Problems: bad.Problems}, nil
		}
		return &outcome{Release: release}, err
	}
	config := o.Config
	var err error
	if config.Vault, err = vaultOf(o.VaultKey); err != nil {
		return nil, err
	}
	p, err := Open(ctx, config, NewLogger(config, stderr))
	if err != nil {
		return nil, err
	}
	defer p.Close()
	if err := executor.Confine(config.paths()); err != nil {
		return nil, err
	}
	verdict, records, err := p.dryRun(ctx, o.Release, o.Event)
	if err != nil {
		return &outcome{Error: hooks.AsError(err)}, nil
	}
	return &outcome{Verdict: verdict.AppendJSON(nil), Records: records}, nil
}
