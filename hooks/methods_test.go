package hooks_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"gaff/hooks"
)

// TestMethods carries out the calls of each file of testdata/methods, whose file "want" has the answers and the records.
// The methods are JavaScript; those on data services are tested where there are some.
func TestMethods(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/methods/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no projects", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			want, calls := files["want"], files["calls"]
			delete(files, "want")
			delete(files, "calls")
			if got := carryOut(t, files, calls); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func carryOut(t *testing.T, files map[string]string, list string) string {
	t.Helper()
	b := newBench(t, files)
	m := &hooks.Methods{Tables: b.runner.Tables, Gate: b, Runner: b.runner, Recorder: b, Log: slog.New(slog.DiscardHandler)}
	b.runner.Functions = maps.Clone(m.Functions())
	var calls []hooks.MethodCall
	if err := json.Unmarshal([]byte(list), &calls); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, call := range calls {
		call.App = "default"
		reply, err := m.Do(t.Context(), call)
		if err != nil {
			e := hooks.AsError(err)
			fmt.Fprintf(&out, "call %d: %d %s: %s (%s)\n", i+1, e.Status, e.Code, e.Message, e.Hook)
		} else {
			fmt.Fprintf(&out, "call %d: %d %s %q\n", i+1, reply.Status, reply.Body, reply.Warnings)
		}
		b.tell(&out)
	}
	return elapsed.ReplaceAllString(out.String(), "within *")
}
