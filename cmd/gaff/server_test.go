package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
)

// server stands for Gaff's HTTP side: it answers as it is told, and remembers what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string // method, URL, app, authorization, body
}

func newServer(t *testing.T, routes map[string]http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	mux := http.NewServeMux()
	for pattern, handler := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			s.mu.Lock()
			s.asked = append(s.asked, strings.TrimSpace(fmt.Sprintf("%s %s app=%s %s %s", r.Method, r.URL, r.Header.Get("Gaff-App"),
				r.Header.Get("Authorization"), body)))
			s.mu.Unlock()
			r.Body = io.NopCloser(bytes.NewReader(body))
			handler(w, r)
		})
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *server) last(t *testing.T) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.asked) == 0 {
		t.Fatal("the server was not asked")
	}
	return s.asked[len(s.asked)-1]
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// gaff runs the program against the server.
func (s *server) gaff(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := []string{"GAFF_URL=" + s.URL, "GAFF_KEY=k3y"}
	code = run(t.Context(), args, env, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestEmit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		stdin  string
		status int
		answer string

		code   int
		body   string
		stdout string
		stderr string
	}{
		"go on": {
			args: []string{"customer", "POST", "--data", `{"name":"Ann"}`}, status: 200, answer: `{"status":200,"message":{"name":"ANN"}}`,
			body:   `{"message":{"name":"Ann"},"operation":"POST","phase":"before","service":"customer"}`,
			stdout: "{\n  \"status\": 200,\n  \"message\": {\n    \"name\": \"ANN\"\n  }\n}\n",
		},
		"payload": {
			args: []string{"customer", "POST", "--data", `{"message":{"name":"Ann"},"id":"1"}`}, status: 200, answer: `{"status":200}`,
			body:   `{"id":"1","message":{"name":"Ann"},"operation":"POST","phase":"before","service":"customer"}`,
			stdout: "{\n  \"status\": 200\n}\n",
		},
		"stdin": {
			args: []string{"customer", "POST", "--data", "-"}, stdin: "[1]\n", status: 200, answer: `{"status":200}`,
			body:   `{"message":[1],"operation":"POST","phase":"before","service":"customer"}`,
			stdout: "{\n  \"status\": 200\n}\n",
		},
		"stopped": {
			args: []string{"customer", "POST"}, status: 200, answer: `{"status":403,"error":{"code":"REJECTED","message":"no"}}`, code: 1,
			body:   `{"operation":"POST","phase":"before","service":"customer"}`,
			stdout: "{\n  \"status\": 403,\n  \"error\": {\n    \"code\": \"REJECTED\",\n    \"message\": \"no\"\n  }\n}\n",
		},
		"after": {
			args: []string{"Event", "sendEvent", "--phase", "after", "--app", "shop"}, status: 202, answer: `{"id":"42"}`,
			body:   `{"app":"shop","operation":"sendEvent","phase":"after","service":"Event"}`,
			stdout: "{\n  \"id\": \"42\"\n}\n",
		},
		"after, answered by a sync hook": {
			args: []string{"Event", "sendEvent", "--phase", "after"}, status: 200, answer: `{"status":200,"result":{"n":2}}`,
			body:   `{"operation":"sendEvent","phase":"after","service":"Event"}`,
			stdout: "{\n  \"status\": 200,\n  \"result\": {\n    \"n\": 2\n  }\n}\n",
		},
		"failed, with another error": {
			args: []string{"Event", "sendEvent", "--phase", "failed"}, status: 200, answer: `{"status":410,"error":{"code":"GONE","message":"no"}}`, code: 1,
			body:   `{"operation":"sendEvent","phase":"failed","service":"Event"}`,
			stdout: "{\n  \"status\": 410,\n  \"error\": {\n    \"code\": \"GONE\",\n    \"message\": \"no\"\n  }\n}\n",
		},
		"refused": {
			args: []string{"customer", "POST"}, status: 401, code: 1, body: `{"operation":"POST","phase":"before","service":"customer"}`,
			answer: `{"error":{"status":401,"code":"UNAUTHORIZED","message":"this needs a key"}}`,
			stderr: "gaff: UNAUTHORIZED: this needs a key\nSet GAFF_KEY to a key that may do this.\n",
		},
		"fields": {
			args: []string{"customer", "POST"}, status: 400, code: 1, body: `{"operation":"POST","phase":"before","service":"customer"}`,
			answer: `{"error":{"code":"VALIDATION","message":"bad\u001b[2J","hook":"a","fields":[{"field":"x","message":"y"},{"message":"z"}]}}`,
			stderr: "gaff: VALIDATION: bad\uFFFD[2J (a)\n  x: y\n  z\n",
		},
		"bad name": {
			args: []string{"customer", "POST"}, status: 400, code: 2, body: `{"operation":"POST","phase":"before","service":"customer"}`,
			answer: `{"error":{"code":"BAD_NAME","message":"app"}}`, stderr: "gaff: BAD_NAME: app\n",
		},
		"not gaff": {
			args: []string{"customer", "POST"}, status: 502, code: 1, body: `{"operation":"POST","phase":"before","service":"customer"}`,
			answer: "<html>", stderr: "gaff: URL answers 502 Bad Gateway, and not as Gaff does: is GAFF_URL right?\n",
		},
		"no verdict": {
			args: []string{"customer", "POST"}, status: 200, code: 1, body: `{"operation":"POST","phase":"before","service":"customer"}`,
			answer: "<html>", stderr: "gaff: the server's answer is not JSON: invalid character '<' looking for beginning of value\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, map[string]http.HandlerFunc{"POST /v1/events": answer(c.status, c.answer)})
			code, stdout, stderr := s.gaff(t, c.stdin, append([]string{"emit"}, c.args...)...)
			stderr = strings.ReplaceAll(stderr, s.URL, "URL")
			if code != c.code || stdout != c.stdout || stderr != c.stderr {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
			_, body, _ := strings.Cut(s.last(t), "Bearer k3y ")
			if body != c.body {
				t.Errorf("sent %s", s.last(t))
			}
		})
	}
}

func record(id string) string {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	b, err := json.Marshal(hooks.Record{
		ID: id, Time: at, App: "shop", Kind: hooks.KindHook, Name: "customer", Function: "beforePOST", Event: "e1", Attempt: 2,
		Status: hooks.StatusFailed, MS: 1.5, Error: &hooks.RecordError{Code: "HOOK_ERROR", Message: "no\x1b[2J", Stack: "Error: no\n  at a.js:1:2"},
		Log: []hooks.LogLine{{Level: "info", Time: at, Text: "one\ntwo"}},
	})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func printed() string {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC).Local()
	return at.Format(timeFormat) + " hook customer.beforePOST failed 1.50ms attempt 2 HOOK_ERROR: no\uFFFD[2J\n" +
		"    Error: no\n        at a.js:1:2\n    " + at.Format(shortFormat) + " info one\n      two\n"
}

func TestLogs(t *testing.T) {
	t.Parallel()
	job := `{"id":"j","time":"2026-01-02T03:04:05Z","kind":"job","name":"nightly","function":"runJob","status":"ok","ms":1234.5,"end":"done"}`
	s := newServer(t, map[string]http.HandlerFunc{"GET /v1/logs": answer(200, "["+record("r1")+","+job+"]")})
	code, stdout, stderr := s.gaff(t, "", "logs", "--hook", "customer", "--status", "failed", "--id", "e1", "--limit", "5",
		"--since", "2026-01-01T00:00:00Z", "--app", "shop")
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, printed()) || !strings.HasSuffix(stdout, " job nightly.runJob ok 1234ms done\n") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	want := "GET /v1/logs?hook=customer&id=e1&limit=5&since=2026-01-01T00%3A00%3A00Z&status=failed app=shop Bearer k3y"
	if got := s.last(t); got != want {
		t.Errorf("sent %s", got)
	}
	if _, stdout, _ := s.gaff(t, "", "logs", "-o", "json"); stdout != record("r1")+"\n"+job+"\n" {
		t.Errorf("json: %s", stdout)
	}
}

// lineWriter hands over each write.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// TestLogsFollow has a record come both ways, and one after that; then the user interrupts.
func TestLogsFollow(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/logs": answer(200, "["+record("r1")+"]"),
		"GET /v1/logs/stream": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, ": hello\n\ndata: %s\n\nevent: record\ndata: %s\n\n", record("r1"), record("r2"))
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := make(lineWriter)
	done := make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		done <- run(ctx, []string{"logs", "-f", "-o", "json"}, []string{"GAFF_URL=" + s.URL}, nil, out, &stderr)
	}()
	for _, want := range []string{"r1", "r2"} {
		select {
		case got := <-out:
			if got != record(want)+"\n" {
				t.Errorf("got %s", got)
			}
		case code := <-done:
			t.Fatalf("exit %d\n%s", code, stderr.String())
		}
	}
	cancel()
	if code := <-done; code != 0 || stderr.Len() > 0 {
		t.Errorf("exit %d\n%s", code, stderr.String())
	}
}

func TestLogsFollowServerEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/logs":        answer(200, "[]"),
		"GET /v1/logs/stream": answer(200, "data: "+record("r1")+"\n\n"),
	})
	code, stdout, stderr := s.gaff(t, "", "logs", "-f")
	if code != 1 || stdout != printed() || !strings.Contains(stderr, "has ended the stream") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestRecordColours(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := recordPrinter{w: &b, colours: true}
	if err := p.print(&hooks.Record{Kind: hooks.KindHook, Name: "a", Status: hooks.StatusRejected}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\x1b[33mrejected\x1b[0m") {
		t.Errorf("got %q", b.String())
	}
}

func TestRecordAudit(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]hooks.Audit{
		"by dev\n":          {Actor: "dev"},
		"by admin: 1 → 2\n": {Actor: "admin", From: "1", To: "2"},
		"by a\uFFFDb: 1\n":  {Actor: "a\x1bb", To: "1"},
		"by k: x → none\n":  {Actor: "k", From: "x"},
	} {
		r := hooks.NewAuditRecord("shop", a)
		r.Name = "release-apply"
		var b bytes.Buffer
		p := recordPrinter{w: &b}
		if err := p.print(&r); err != nil {
			t.Fatal(err)
		}
		if want = " audit release-apply " + want; !strings.HasSuffix(b.String(), want) {
			t.Errorf("got %q, want %q", b.String(), want)
		}
	}
}
