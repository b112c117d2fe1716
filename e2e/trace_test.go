package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The traces that the tests of this file send.
const (
	traceID     = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID      = "00f067aa0ba902b7"
	traceparent = "00-" + traceID + "-" + spanID + "-01"
)

// witness is a server that notes by path what the requests of scripts say of their trace.
type witness struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string][]string
	on   map[string]func() // is called once, before the answer
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	w := &witness{seen: map[string][]string{}, on: map[string]func(){}}
	w.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen[r.URL.Path] = append(w.seen[r.URL.Path], r.Header.Get("traceparent"))
		do := w.on[r.URL.Path]
		delete(w.on, r.URL.Path)
		w.mu.Unlock()
		if do != nil {
			do()
		}
	}))
	t.Cleanup(w.Close)
	return w
}

// at returns what was said at a path, once as many requests as that have come.
func (w *witness) at(t *testing.T, path string, n int) []string {
	t.Helper()
	var seen []string
	poll(t, path, func() (answer, bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		seen = w.seen[path]
		return answer{body: strings.Join(seen, " ")}, len(seen) >= n
	})
	return seen
}

// clear forgets what was said.
func (w *witness) clear() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.seen)
}

// traceProject has scripts that ask the witness wherever they run.
func traceProject(t *testing.T, w *witness) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir+"/gaff.yaml", `app: default
hooks:
  - {service: outer, script: outer.js}
  - {service: inner, script: inner.js}
  - {service: hold, script: hold.js}
  - {name: retried, service: outer, script: retried.js, retry: {attempts: 2, min: 10ms}}
methods:
  - {service: calc, name: add, kind: script, script: add.js}
jobs:
  - {name: later, schedule: "@manual", script: later.js}
services: {seen: {upstream: "`+w.URL+`"}}
`)
	for name, source := range map[string]string{
		"outer.js": "async function beforePOST(req) {\n  await fetch('%s/before');\n  await fetch('%[1]s/own', {headers: {Traceparent: 'mine'}});\n" +
			"  await db.post('/rest/inner', {});\n  await rpc('calc', 'add', {});\n}\n" +
			"async function afterPOST() {\n  await request({service: 'seen', url: '/after'});\n  await jobs.enqueue('later', {});\n}\n",
		"inner.js":   "async function beforePOST() { await fetch('%s/inner'); }\n",
		"retried.js": "async function afterPOST() { await fetch('%s/retried'); throw new Error('no'); }\n",
		"add.js":     "async function call() { await fetch('%s/method'); return 3; }\n",
		"later.js":   "async function runJob() { await fetch('%s/job'); }\n",
		"hold.js":    "async function beforePOST() { await fetch('%s/hold'); }\n",
	} {
		writeFile(t, dir+"/"+name, fmt.Sprintf(source, w.URL))
	}
	return dir
}

// A trace goes with a call to all that it causes.
func TestTrace(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *witness) *deployment{
		"dev": func(t *testing.T, w *witness) *deployment {
			return startDev(t, traceProject(t, w), "--allow-addresses", "127.0.0.1")
		},
		"cluster": func(t *testing.T, w *witness) *deployment {
			return startCluster(t, traceProject(t, w), "GAFF_ALLOW_ADDRESSES=127.0.0.1", "GAFF_EXECUTORS=1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWitness(t)
			d := begin(t, w)
			testUntraced(t, d, w) // first: nothing that has a trace may come in late
			w.clear()
			testTraced(t, d, w)
			testTraceOverNATS(t, d, w)
			if name == "cluster" {
				testTraceOutlivesExecutor(t, d, w)
			}
		})
	}
}

func testTraced(t *testing.T, d *deployment, w *witness) {
	traced := d.do(t, "POST", "/rest/outer", `{}`, "traceparent", traceparent)
	if traced.status != http.StatusCreated {
		t.Fatalf("%d %s", traced.status, traced.body)
	}
	spans := map[string]bool{spanID: true}
	follows := func(path string, n int) {
		t.Helper()
		for _, got := range w.at(t, path, n) {
			parts := strings.Split(got, "-")
			if len(parts) != 4 || parts[0] != "00" || parts[1] != traceID || parts[3] != "01" || len(parts[2]) != 16 || spans[parts[2]] {
				t.Errorf("%s: %q", path, got)
				continue
			}
			spans[parts[2]] = true
		}
	}
	for _, path := range []string{"/before", "/inner", "/method", "/after", "/job"} {
		follows(path, 1)
	}
	follows("/retried", 2)
	if got := w.at(t, "/own", 1)[0]; got != "mine" {
		t.Errorf("a script's own traceparent became %q", got)
	}
	query := "/v1/logs?trace=" + traceID
	all := d.eventually(t, "GET", query, "", func(a answer) bool {
		// outer twice, inner, add, later, retried thrice; and an alert, unless this executor has alerted of retried before
		return strings.Count(a.body, `"trace":"`+traceID+`"`)-strings.Count(a.body, `"kind":"alert"`) == 8
	})
	for _, want := range []string{`"kind":"job"`, `"kind":"method"`, `"name":"inner"`, `"status":"dead"`} {
		if !strings.Contains(all.body, want) {
			t.Errorf("no record with %s in %s", want, all.body)
		}
	}
	if out, _, exit := gaff(t, d, "logs", "--trace", traceID, "-o", "json"); exit != 0 || strings.Count(out, "\n")-strings.Count(out, `"kind":"alert"`) != 8 {
		t.Errorf("gaff logs --trace: exit %d\n%s", exit, out)
	}
	if out, _, _ := gaff(t, d, "logs", "--trace", strings.Repeat("1", 32), "-o", "json"); out != "" {
		t.Errorf("another trace has records:\n%s", out)
	}
	w.clear()
	if out, stderr, exit := gaff(t, d, "dead", "replay", "--id", traced.header.Get("X-Request-Id")); exit != 0 {
		t.Fatalf("replay: %s%s", out, stderr)
	}
	clear(spans)
	follows("/retried", 1)
}

func testTraceOverNATS(t *testing.T, d *deployment, w *witness) {
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), strings.ToUpper(d.prefix)+"_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetLastMsgForSubject(t.Context(), d.subject("event", "default.*.outer.POST.after"))
	if err != nil || m.Header.Get("traceparent") != traceparent {
		t.Errorf("the event of /rest: %v, %v", m, err)
	}
	asked := []func(header string) error{
		func(header string) error {
			_, err := nc.RequestMsg(&nats.Msg{
				Subject: d.subject("ask", "before.default.inner.POST"), Data: []byte(`{}`), Header: nats.Header{header: {traceparent}},
			}, nats.DefaultTimeout*5)
			return err
		},
		func(header string) error {
			_, err := js.PublishMsg(t.Context(), &nats.Msg{
				Subject: d.subject("event", "default.0.outer.POST.after"), Data: []byte(`{}`), Header: nats.Header{header: {traceparent}},
			})
			return err
		},
	}
	for i, path := range []string{"/inner", "/after"} {
		for _, header := range []string{"traceparent", "Traceparent"} {
			w.clear()
			if err := asked[i](header); err != nil {
				t.Fatal(err)
			}
			if got := w.at(t, path, 1)[0]; !strings.Contains(got, traceID) {
				t.Errorf("%s, header %s: %q", path, header, got)
			}
		}
	}
	w.clear()
	a := d.do(t, "POST", "/v1/events", `{"service":"outer","operation":"POST","phase":"after"}`, "traceparent", traceparent)
	if got := w.at(t, "/after", 1)[0]; a.status != http.StatusAccepted || !strings.Contains(got, traceID) {
		t.Errorf("/v1/events: %d %s, %q", a.status, a.body, got)
	}
	w.clear()
	a = d.do(t, "POST", "/rpc", `{"service":"calc","method":"add","payload":{}}`, "traceparent", traceparent)
	if got := w.at(t, "/method", 1)[0]; a.at("result") != 3.0 || !strings.Contains(got, traceID) {
		t.Errorf("/rpc: %d %s, %q", a.status, a.body, got)
	}
}

// A call without a trace has none, and neither has one whose header is malformed.
func testUntraced(t *testing.T, d *deployment, w *witness) {
	for _, header := range []string{"", "nonsense", strings.ToUpper(traceparent), traceparent + "-00"} {
		w.clear()
		var headers []string
		if header != "" {
			headers = []string{"traceparent", header}
		}
		if a := d.do(t, "POST", "/rest/outer", `{}`, headers...); a.status != http.StatusCreated {
			t.Errorf("traceparent %q: %d %s", header, a.status, a.body)
		}
		for path, n := range map[string]int{"/before": 1, "/inner": 1, "/after": 1, "/job": 1, "/retried": 2} { // all that there is
			if got := strings.Join(w.at(t, path, n), ""); got != "" {
				t.Errorf("traceparent %q became %q at %s", header, got, path)
			}
		}
	}
}

// An ask whose executor is killed is made again with its trace.
func testTraceOutlivesExecutor(t *testing.T, d *deployment, w *witness) {
	w.clear()
	w.mu.Lock()
	w.on["/hold"] = func() {
		for _, worker := range d.workers {
			for _, pid := range children(t, worker.cmd.Process.Pid) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
	}
	w.mu.Unlock()
	if a := d.do(t, "POST", "/rest/hold", `{}`, "traceparent", traceparent); a.status != http.StatusCreated {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, got := range w.at(t, "/hold", 2) {
		if !strings.Contains(got, traceID) {
			t.Errorf("asked again: %q", got)
		}
	}
}
