package hooks_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"gaff/hooks"
	"gaff/script"
	"gaff/store"
)

// TestRunner runs testdata/runner/*.txtar: a project, and events in order (event1.json, event2.json, …) as
// {service, operation, phase, asked, payload}, or {call} for a call on documents as [benchCall]; want.txt has the verdict
// or the reply of each and the records that they left.
func TestRunner(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/runner/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, path)
		})
	}
}

func golden(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	var events []string
	var want string
	for _, f := range archive.Files {
		switch {
		case f.Name == "want.txt":
			want = string(f.Data)
		case strings.HasPrefix(f.Name, "event"):
			events = append(events, string(f.Data))
		default:
			files[f.Name] = string(f.Data)
		}
	}
	got := play(t, files, events)
	if flag.Lookup("update").Value.String() == "true" {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want.txt" })
		archive.Files = append(archive.Files, txtar.File{Name: "want.txt", Data: []byte(got)})
		writeArchive(t, path, archive)
		return
	}
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// play runs the events on the project and tells what came of them.
func play(t *testing.T, files map[string]string, events []string) string {
	bench := newBench(t, files)
	var out strings.Builder
	for i, text := range events {
		var e struct {
			Service, Operation string
			Phase              hooks.Phase
			Asked              bool
			Payload            json.RawMessage
			Call               *benchCall
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatal(err)
		}
		if e.Call != nil {
			fmt.Fprintf(&out, "call %d: %s", i+1, bench.call(t, e.Call))
			bench.tell(&out)
			continue
		}
		payload, err := hooks.ParsePayload(e.Payload)
		if err != nil {
			t.Fatal(err)
		}
		v := bench.runner.Handle(t.Context(), &hooks.Event{
			App: "default", Service: e.Service, Operation: e.Operation, Phase: e.Phase, Payload: payload,
			Deadline: time.Now().Add(5 * time.Second), Asked: e.Asked,
		})
		fmt.Fprintf(&out, "event %d: %s\n", i+1, v.AppendJSON(nil))
		bench.tell(&out)
	}
	return elapsed.ReplaceAllString(out.String(), "within *")
}

// elapsed is how long a run took, which differs from run to run.
var elapsed = regexp.MustCompile(`within [0-9.]+m?s`)

// bench is a runner on real documents, whose gate is the runner itself.
type bench struct {
	runner *hooks.Runner
	outbox hooks.Outbox
	mu     sync.Mutex
	log    []hooks.Record
}

func newBench(t *testing.T, files map[string]string) *bench {
	t.Helper()
	release, err := hooks.LoadProject(files)
	if err != nil {
		t.Fatal(err)
	}
	documents, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "documents.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { documents.Close() })
	b := &bench{outbox: documents}
	tables := &hooks.Tables{}
	secrets := map[string]string{"SLACK": "T0/<b>&\"42"}
	tables.Set(hooks.Source{Release: release, Secrets: secrets}.Table())
	b.runner = &hooks.Runner{
		Tables: tables, Engine: script.NewEngine(script.Config{}), Recorder: b, Log: slog.New(slog.DiscardHandler),
	}
	b.runner.Collections = &hooks.Collections{Documents: documents, Gate: b}
	return b
}

func (b *bench) Ask(ctx context.Context, e *hooks.Event) (hooks.Verdict, error) {
	return b.runner.Ask(ctx, e)
}

func (b *bench) Publish(ctx context.Context, e *hooks.Event) error {
	b.runner.Handle(ctx, e)
	return nil
}

func (b *bench) Record(r hooks.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, r.Clone())
}

// tell writes the records since it last did, without what differs from run to run.
func (b *bench) tell(out *strings.Builder) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.log {
		fmt.Fprintf(out, "  %s %s.%s %s", r.Kind, r.Name, r.Function, r.Status)
		if r.Error != nil {
			fmt.Fprintf(out, " %s: %s", r.Error.Code, r.Error.Message)
		}
		if r.End != "" {
			fmt.Fprintf(out, " end %q", r.End)
		}
		out.WriteByte('\n')
		for _, l := range r.Log {
			fmt.Fprintf(out, "    %s %s\n", l.Level, l.Text)
		}
	}
	b.log = nil
}

func writeArchive(t *testing.T, path string, archive *txtar.Archive) {
	t.Helper()
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
