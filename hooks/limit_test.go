package hooks_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
)

func TestLimitsOfProject(t *testing.T) {
	t.Parallel()
	script := "function beforePOST(req, res) { res.end(); }"
	r, err := hooks.LoadProject(map[string]string{"a.js": script, "gaff.yaml": `
limits: {memory: 64MiB, rate: 600/m}
hooks:
  - {service: item, script: a.js, limits: {log: 4KiB, calls: 7, payload: 16KiB, concurrency: 3, rate: 2/s}}
`})
	if err != nil {
		t.Fatal(err)
	}
	if want := (hooks.Limits{Memory: 64 << 20, Rate: 10}); r.Limits != want {
		t.Errorf("app: %+v", r.Limits)
	}
	if want := (hooks.Limits{Log: 4 << 10, Calls: 7, Payload: 16 << 10, Concurrency: 3, Rate: 2}); r.Hooks[0].Limits != want {
		t.Errorf("hook: %+v", r.Hooks[0].Limits)
	}
	for limits, want := range map[string]string{
		"{memory: 1KiB}":      "not a size from 1.0 MiB",
		"{log: 2MiB}":         "not a size from 1 B to 1.0 MiB",
		"{payload: much}":     "not a size",
		"{calls: 0}":          "a whole number from 1 to 1000000",
		"{concurrency: -1}":   "a whole number from 1",
		"{concurrency: many}": "a whole number from 1",
		"{rate: 5}":           "in quotes",
		"{rate: 5/d}":         "such as 100/s",
		"{rate: 0/s}":         "such as 100/s",
		"{time: 1s}":          "unknown key",
		"[1]":                 "limits must be a mapping",
	} {
		_, err := hooks.LoadProject(map[string]string{
			"a.js": script, "gaff.yaml": "hooks:\n  - {service: item, script: a.js}\nlimits: " + limits + "\n",
		})
		bad, ok := errors.AsType[*hooks.ProjectError](err)
		if !ok || !strings.Contains(err.Error(), want) || bad.Problems[0].Line != 3 {
			t.Errorf("limits: %s: %v, want %q", limits, err, want)
		}
	}
}

func TestLimitsOfRuns(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"gaff.yaml": `
limits: {log: 1KiB}
hooks:
  - {service: calls, script: calls.js, limits: {calls: 3}}
  - {service: log, script: log.js}
  - {service: payload, script: payload.js, limits: {payload: 100}}
  - {service: often, script: often.js, limits: {rate: 1/h}}
  - {service: soft, script: soft.js, onError: ignore, limits: {rate: 1/h}}
`,
		"calls.js":   "async function beforePOST(req, res) { for (var i = 0; i < 5; i++) await db.get('/rest/x'); res.end(); }",
		"log.js":     "function beforePOST(req, res) { for (var i = 0; i < 100; i++) log.info('xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'); res.end(); }",
		"payload.js": "function beforePOST(req, res) { res.end({data: {s: 'x'.repeat(req.body.n)}}); }",
		"often.js":   "function beforePOST(req, res) { res.end(); }",
		"soft.js":    "function beforePOST(req, res) { res.end(); }",
	})
	ask := func(service, message string) hooks.Verdict {
		return b.runner.Handle(t.Context(), &hooks.Event{
			App: "default", Service: service, Operation: "POST", Phase: hooks.Before, Payload: hooks.Payload{Message: []byte(message)},
		})
	}
	for _, c := range []struct{ service, message, want string }{
		{"calls", `{}`, "HOOK_ERROR: db.get: the run has made 3 calls, which is as many as it may"},
		{"payload", `{"n":10}`, ""},
		{"payload", `{"n":1000}`, "HOOK_ERROR: the answer has more than 100 bytes, the limit of its payload"},
		{"payload", fmt.Sprintf(`{"n":1,"s":%q}`, strings.Repeat("x", 100)), "TOO_LARGE: the event has more than 100 bytes, the limit of its payload"},
		{"often", `{}`, ""},
		{"often", `{}`, "OVERLOADED: it runs as often as its limits let it; try again"},
		{"soft", `{}`, ""},
	} {
		v, got := ask(c.service, c.message), ""
		if v.Error != nil {
			got = fmt.Sprintf("%s: %s", v.Error.Code, v.Error.Message)
		}
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s %.20s: %q, want %q", c.service, c.message, got, c.want)
		}
	}
	if v := ask("soft", `{}`); v.Stopped() || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "OVERLOADED") {
		t.Errorf("%+v", v)
	}
	ask("log", `{}`)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.log[len(b.log)-1]; len(r.Log) > 33 || !strings.Contains(r.Log[len(r.Log)-1].Text, "full") {
		t.Errorf("%d lines", len(r.Log))
	}
}

// A hook whose runs time out again and again is quarantined, and no other is.
func TestConductQuarantines(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"gaff.yaml": "hooks:\n  - {service: late, script: late.js, timeout: 1ms}\n  - {service: item, script: item.js}\n",
		"late.js":   "function beforePOST(req, res) { for (;;) ; }",
		"item.js":   "function beforePOST(req, res) { throw new Error('no'); }",
	})
	var mu sync.Mutex
	var got []string
	b.runner.Conduct = hooks.NewConduct(func(app string, kind hooks.Kind, name string, q hooks.Quarantine) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, fmt.Sprint(app, " ", kind, " ", name, " ", q.Code))
	})
	ask := func(service string, n int) {
		b.runner.Handle(t.Context(), &hooks.Event{
			App: "default", Service: service, Operation: "POST", Phase: hooks.Before, Payload: hooks.Payload{Message: fmt.Appendf(nil, `{"n":%d}`, n)},
		})
	}
	for range 20 {
		ask("item", 1) // throwing is no offence
	}
	for range 19 {
		ask("late", 1)
	}
	b.runner.Conduct.Wait()
	if len(got) != 0 {
		t.Fatalf("%v", got)
	}
	ask("late", 1)
	b.runner.Conduct.Wait()
	if len(got) != 1 || got[0] != "default hook late HOOK_TIMEOUT" {
		t.Errorf("%v", got)
	}
}

func TestStrikes(t *testing.T) {
	t.Parallel()
	s, now := hooks.NewStrikes(3, time.Minute), time.Now()
	key := hooks.StrikeKey("default", hooks.KindHook, "a")
	for i, step := range []struct {
		after   time.Duration
		forgive bool
		full    bool
	}{
		{0, false, false}, {0, false, false}, {0, true, false}, {0, false, false}, {time.Second, false, true}, // one was forgiven
		{0, false, false}, {0, false, false}, {2 * time.Minute, false, false}, // two are too old
		{0, false, false}, {0, false, true},
	} {
		if now = now.Add(step.after); step.forgive {
			s.Forgive("default", hooks.KindHook, "a")
		} else if full := s.Add(key, now); full != step.full {
			t.Errorf("step %d: %v", i, full)
		}
	}
}
