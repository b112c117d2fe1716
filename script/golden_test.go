package script_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"gaff/script"
)

var update = flag.Bool("update", false, "write what the cases give into testdata")

// golden is the file "call" of a case: what is run, and what its host answers. The other files are the release, and
// "want" is the outcome.
type golden struct {
	Main     string // default main.js
	Expr     string // a condition instead of a program
	Function string // default beforePOST
	Last     bool   // the last value is the answer, not a function's
	Mode     string // gate (default) or react
	Timeout  string // default 30s
	Settings json.RawMessage
	Data     json.RawMessage
	Host     map[string][]reply
	Calls    int  // how many host calls to wait for after the run
	Parallel bool // host calls overlap: their order does not count
	script.Request
}

// reply is one answer of the host; calls of a name get them in order, and the last one again.
type reply struct {
	Data   json.RawMessage
	Detail json.RawMessage // the error is one that scripts may see
	Error  string
	Hang   bool
}

// TestGolden runs every case of testdata in a pooled and in a new runtime, with lazy and with plain event objects, with
// its statements counted, and each of them twice on one engine: all of it must give the same.
func TestGolden(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	engine := engine(t)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { // one after the other: cases have time limits
			testGolden(t, engine, path)
		})
	}
}

func testGolden(t *testing.T, engine *script.Engine, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	files, want := script.Files{}, ""
	var c golden
	for _, f := range archive.Files {
		switch f.Name {
		case "call":
			var compact bytes.Buffer
			if err := json.Compact(&compact, f.Data); err != nil {
				t.Fatalf("call: %v", err)
			}
			d := json.NewDecoder(&compact)
			d.DisallowUnknownFields()
			if err := d.Decode(&c); err != nil {
				t.Fatalf("call: %v", err)
			}
		case "want":
			want = string(f.Data)
		default:
			files[f.Name] = strings.TrimSuffix(string(f.Data), "\n")
		}
	}
	defer func() {
		if *update {
			write(t, path, archive, want)
		}
	}()
	variants := []script.Variant{
		{}, {Fresh: true}, {Plain: true}, {Fresh: true, Plain: true}, {Counted: true}, {Fresh: true, Counted: true},
	}
	for _, variant := range variants {
		for range 2 {
			got := c.run(engine, files, variant)
			if *update && variant == (script.Variant{}) {
				want = got
			}
			if variant.Counted && strings.HasPrefix(want, "timeout: ") {
				continue // the deadline may hit the counting
			}
			if got != want {
				t.Errorf("%+v: got\n%swant\n%s", variant, got, want)
			}
			if strings.HasPrefix(got, "compile: ") {
				return // nothing is run
			}
		}
	}
}

func write(t *testing.T, path string, archive *txtar.Archive, want string) {
	files := archive.Files[:0]
	for _, f := range archive.Files {
		if f.Name != "want" {
			files = append(files, f)
		}
	}
	archive.Files = append(files, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (c *golden) run(engine *script.Engine, files script.Files, v script.Variant) string {
	main, function := or(c.Main, "main.js"), or(c.Function, "beforePOST")
	var known []string
	if c.Last {
		function, known = "", []string{"beforePOST", "runJob"}
	}
	if c.Expr != "" {
		return c.test(engine)
	}
	var coverage *script.Coverage
	if v.Counted {
		coverage = &script.Coverage{}
	}
	p, err := coverage.Compile(files, main, known...)
	if err != nil {
		return "compile: " + strings.ReplaceAll(err.Error(), "\n", "\ncompile: ") + "\n"
	}
	timeout, err := time.ParseDuration(or(c.Timeout, "30s"))
	if err != nil {
		return err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	host := &fakeHost{replies: c.Host, next: map[string]int{}}
	call := &script.Call{Function: function, Request: c.Request, Settings: c.Settings, Data: c.Data, Host: host}
	if c.Mode == "react" {
		call.Mode = script.React
	}
	res := engine.Run(ctx, p.As(v), call)
	host.await(c.Calls)
	return outcome(res) + host.text(c.Parallel)
}

func (c *golden) test(engine *script.Engine) string {
	p, err := script.CompileExpr(c.Expr, "gaff.yaml", 7)
	if err != nil {
		return "compile: " + err.Error() + "\n"
	}
	ok, err, _ := engine.TestHere(context.Background(), p, &script.Call{Request: c.Request}, nil)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	return fmt.Sprintf("%v\n", ok)
}

func outcome(res script.Result) string {
	var b strings.Builder
	a := res.Answer
	if a.Raw != nil {
		how := "returned"
		if a.Ended {
			how = "ended"
		}
		fmt.Fprintf(&b, "%s: %s\n", how, a.Raw)
	}
	for _, f := range a.Fields {
		fmt.Fprintf(&b, "  %s = %s\n", f.Name, f.Raw)
	}
	if a.Status != 0 {
		fmt.Fprintf(&b, "status: %d\n", a.Status)
	}
	if res.Context != nil {
		fmt.Fprintf(&b, "context: %s\n", res.Context)
	}
	if e := res.Err; e != nil {
		fmt.Fprintf(&b, "%s: %s\n", e.Kind, e)
		if e.Permanent {
			fmt.Fprintln(&b, "\tpermanent")
		}
		if e.RetryAfter > 0 {
			fmt.Fprintf(&b, "\tretry after %v\n", e.RetryAfter)
		}
		b.WriteString(e.Stack)
		if e.Value != nil {
			fmt.Fprintf(&b, "value: %s\n", e.Value)
		}
	}
	for _, l := range res.Log {
		fmt.Fprintf(&b, "%s: %s\n", l.Level, l.Text)
	}
	for _, w := range res.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// fakeHost answers from the case and remembers what it was asked.
type fakeHost struct {
	mu      sync.Mutex
	replies map[string][]reply
	next    map[string]int
	calls   []string
}

type visibleError struct{ detail json.RawMessage }

func (e visibleError) Error() string    { return "internal: secret" }
func (e visibleError) ScriptError() any { return e.detail }

func (h *fakeHost) Start(name string, args []json.RawMessage) func(context.Context) (json.RawMessage, error) {
	return func(ctx context.Context) (json.RawMessage, error) { return h.call(ctx, name, args) }
}

func (h *fakeHost) call(ctx context.Context, name string, args []json.RawMessage) (json.RawMessage, error) {
	h.mu.Lock()
	h.calls = append(h.calls, fmt.Sprintf("host: %s%s\n", name, bytes.Join(asBytes(args), []byte(" "))))
	list := h.replies[name]
	i := min(h.next[name], len(list)-1)
	h.next[name]++
	h.mu.Unlock()
	if i < 0 {
		return nil, nil
	}
	switch r := list[i]; {
	case r.Hang:
		<-ctx.Done()
		return nil, ctx.Err()
	case r.Detail != nil:
		return nil, fmt.Errorf("wrapped: %w", visibleError{r.Detail})
	case r.Error != "":
		return nil, errors.New(r.Error)
	default:
		return r.Data, nil
	}
}

func asBytes(args []json.RawMessage) [][]byte {
	out := make([][]byte, len(args))
	for i, a := range args {
		out[i] = append([]byte(" "), bytes.TrimSpace(a)...)
	}
	return out
}

// await returns when n calls have been made: a run does not wait for calls that its script does not wait for.
func (h *fakeHost) await(n int) {
	look, deadline := time.NewTicker(time.Millisecond), time.After(30*time.Second)
	defer look.Stop()
	for {
		h.mu.Lock()
		made := len(h.calls)
		h.mu.Unlock()
		if made >= n {
			return
		}
		select {
		case <-look.C:
		case <-deadline:
			return
		}
	}
}

var spaces = regexp.MustCompile(` +`)

func (h *fakeHost) text(sorted bool) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if sorted {
		slices.Sort(h.calls)
	}
	return spaces.ReplaceAllString(strings.Join(h.calls, ""), " ")
}
