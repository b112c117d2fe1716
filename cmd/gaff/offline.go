package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gaff/cmd/process"
	"gaff/hooks"
	"gaff/script"
	"gaff/store"
)

// offline runs events of a project in this process, on documents in a temporary folder.
type offline struct {
	table     *hooks.Table
	documents *store.SQLite
	dir       string
	stages    atomic.Int64
}

// newOffline makes the place for events of the release; coverage may be nil. Secrets are not known here: scripts see
// their names instead.
func newOffline(ctx context.Context, release *hooks.Release, coverage *script.Coverage) (*offline, error) {
	dir, err := os.MkdirTemp("", "gaff-*")
	if err != nil {
		return nil, fmt.Errorf("a place for documents: %w", err)
	}
	documents, err := store.OpenSQLite(ctx, filepath.Join(dir, "documents.db"), store.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	source := hooks.Source{Release: release, Secrets: placeholders(release), Coverage: coverage}
	return &offline{table: source.Table(), documents: documents, dir: dir}, nil
}

// placeholders stands in for the secrets that a release refers to.
func placeholders(r *hooks.Release) map[string]string {
	secrets := map[string]string{}
	for _, ref := range r.SecretRefs() {
		secrets[ref.Name] = "secret:" + ref.Name
	}
	return secrets
}

func (o *offline) close() error { return errors.Join(o.documents.Close(), os.RemoveAll(o.dir)) }

// stage is where one event runs: with documents of its own, and with all the events that its scripts cause. It is the
// documents, the gate and the recorder of its own runner.
type stage struct {
	*offline
	app    string // under which the documents are kept
	engine *script.Engine
	runner *hooks.Runner // for the calls of scripts

	functions hooks.HostFunctions

	mu      sync.Mutex
	records []hooks.Record
	next    []*hooks.Event  // after and failed events, not run yet
	changed map[string]bool // collections
}

var (
	_ hooks.Documents = (*stage)(nil)
	_ hooks.Gate      = (*stage)(nil)
	_ hooks.Recorder  = (*stage)(nil)
)

// newStage returns an empty stage. One engine may serve several stages, one after the other.
func (o *offline) newStage(engine *script.Engine) *stage {
	s := &stage{offline: o, engine: engine, app: fmt.Sprintf("stage-%d", o.stages.Add(1)), changed: map[string]bool{}, functions: process.PretendFunctions()}
	s.runner = s.newRunner(o.table)
	return s
}

// answer has host functions that leave the machine answer what a case says.
func (s *stage) answer(answers []caseAnswer) {
	s.functions = answering(s.functions, answers)
	s.runner.Functions = s.functions
}

// newRunner returns a runner of the table's hooks whose calls end here.
func (s *stage) newRunner(t *hooks.Table) *hooks.Runner {
	tables := &hooks.Tables{}
	tables.Set(t)
	return &hooks.Runner{
		Tables: tables, Engine: s.engine, Recorder: s, Log: slog.New(slog.DiscardHandler),
		Collections: &hooks.Collections{Documents: s, Gate: s}, Functions: s.functions,
	}
}

// play runs an event with the runner, and then what followed from it, to the end.
func (s *stage) play(ctx context.Context, r *hooks.Runner, e *hooks.Event) (hooks.Verdict, error) {
	verdict := r.Try(ctx, e)
	for {
		if err := s.engine.Wait(ctx); err != nil { // for calls that no script waited for
			return verdict, fmt.Errorf("the calls of scripts did not end: %w", err)
		}
		next := s.take()
		if next == nil {
			return verdict, nil
		}
		s.runner.Handle(ctx, next)
	}
}

// take returns the next event to run, or nil.
func (s *stage) take() *hooks.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.next) == 0 {
		return nil
	}
	e := s.next[0]
	s.next = s.next[1:]
	return e
}

// fill makes the documents that are there before the event, without any hook.
func (s *stage) fill(ctx context.Context, collection string, documents []raw) error {
	direct := hooks.Collections{Documents: s, Gate: openGate{}}
	for i, d := range documents {
		call := hooks.CollectionCall{App: s.table.Release.App, Collection: collection, Operation: "POST", Body: json.RawMessage(d)}
		if _, err := direct.Do(ctx, call); err != nil {
			return fmt.Errorf("documents.%s[%d]: %w", collection, i, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = nil
	clear(s.changed)
	return nil
}

// openGate lets every call pass and tells nobody.
type openGate struct{}

func (openGate) Ask(context.Context, *hooks.Event) (hooks.Verdict, error) { return hooks.GoOn(), nil }
func (openGate) Publish(context.Context, *hooks.Event) error              { return nil }

// Ask runs the hooks of a call that a script makes.
func (s *stage) Ask(ctx context.Context, e *hooks.Event) (hooks.Verdict, error) {
	return s.runner.Ask(ctx, e)
}

// Publish has the event run after the present one.
func (s *stage) Publish(_ context.Context, e *hooks.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, e)
	return nil
}

// Record keeps the record.
func (s *stage) Record(r hooks.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = append(s.records, r.Clone())
}

// Find selects among the documents of the stage.
func (s *stage) Find(ctx context.Context, _, collection string, query, hint json.RawMessage) (hooks.Found, error) {
	return s.documents.Find(ctx, s.app, collection, query, hint)
}

// Get returns a document of the stage.
func (s *stage) Get(ctx context.Context, _, collection, id string) (json.RawMessage, error) {
	return s.documents.Get(ctx, s.app, collection, id)
}

// Write changes documents of the stage. Their events run after the present one, without an outbox.
func (s *stage) Write(ctx context.Context, _, collection string, changes []hooks.Change) error {
	silent := slices.Clone(changes)
	for i := range silent {
		silent[i].Event = nil
	}
	if err := s.documents.Write(ctx, s.app, collection, silent); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed[collection] = true
	for _, c := range changes {
		if c.Event != nil {
			s.next = append(s.next, c.Event)
		}
	}
	return nil
}

// runs returns the records in the order in which the runs began.
func (s *stage) runs() []hooks.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	records := slices.Clone(s.records)
	slices.SortStableFunc(records, func(a, b hooks.Record) int { return a.Time.Compare(b.Time) })
	return records
}

// told returns what all runs logged, in order.
func told(records []hooks.Record) []hooks.LogLine {
	lines := []hooks.LogLine{}
	for _, r := range records {
		lines = append(lines, r.Log...)
	}
	slices.SortStableFunc(lines, func(a, b hooks.LogLine) int { return a.Time.Compare(b.Time) })
	return lines
}

// called returns the calls of the event's own runs, without those of the hooks that these calls start, as the log has
// them.
func called(records []hooks.Record) []hooks.HostCall {
	calls := []hooks.HostCall{}
	for _, r := range own(records) {
		calls = append(calls, r.Calls...)
	}
	return calls
}

// own returns the runs of the event itself: the first run is always one.
func own(records []hooks.Record) []hooks.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r hooks.Record) bool { return r.Event != records[0].Event })
}

// tick is the event at which a job is due.
func tick(app string, job *hooks.Job, at time.Time) *hooks.Event {
	scheduled := at.UTC().Format(time.RFC3339)
	id := app + ":" + job.Name + ":" + scheduled
	info := encoded(map[string]any{
		"id": id, "name": job.Name, "cron": job.Schedule, "scheduledAt": scheduled, "attempt": 1, "manual": true,
	})
	return &hooks.Event{App: app, Operation: job.Name, Phase: hooks.Tick, Payload: hooks.Payload{ID: id, Job: info}}
}
