package process

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"gaff/hooks"
	"gaff/queue"
	"gaff/script"
)

// dryRun runs an event under a release that nobody else sees. Scripts read the app's documents and secrets; what they
// write is checked and dropped, and tells nobody.
func (p *Parts) dryRun(ctx context.Context, r *hooks.Release, e *hooks.Event) (hooks.Verdict, []hooks.Record, error) {
	secrets, err := queue.NewSecrets(p.Conn).Values(ctx, r.App)
	if err != nil {
		return hooks.Verdict{}, nil, err
	}
	tables := &hooks.Tables{}
	tables.Set(hooks.Source{Release: r, Secrets: secrets}.Table())
	d := &dry{Documents: p.Store}
	engine := script.NewEngine(script.Config{})
	d.runner = &hooks.Runner{
		Tables: tables, Engine: engine, Recorder: d, Log: p.Log, Collections: &hooks.Collections{Documents: d, Gate: d},
		Functions: PretendFunctions(),
	}
	verdict := d.runner.Try(ctx, e)
	if err := engine.Close(ctx); err != nil { // waits for calls that no script waited for
		return verdict, nil, fmt.Errorf("the calls of scripts did not end: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return verdict, slices.Clone(d.records), nil
}

// dry is where a dry run ends: its documents, its gate and its recorder.
type dry struct {
	hooks.Documents
	runner *hooks.Runner

	mu      sync.Mutex
	records []hooks.Record
}

// Write changes nothing.
func (*dry) Write(context.Context, string, string, []hooks.Change) error { return nil }

// Ask runs the hooks of a call that a script makes.
func (d *dry) Ask(ctx context.Context, e *hooks.Event) (hooks.Verdict, error) {
	return d.runner.Ask(ctx, e)
}

// Publish tells nobody.
func (*dry) Publish(context.Context, *hooks.Event) error { return nil }

// Record keeps what a run left behind.
func (d *dry) Record(r hooks.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.records = append(d.records, r.Clone())
}
