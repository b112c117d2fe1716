package edge

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gaff/hooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const adminKey = "an-admin-key-of-the-tests"

// world is what a server under test stands on. It remembers what it was asked.
type world struct {
	mu     sync.Mutex
	calls  []hooks.CollectionCall
	asked  []*hooks.Event
	told   []*hooks.Event
	filter hooks.LogFilter

	do      func(context.Context, hooks.CollectionCall) (hooks.Reply, error) // nil: 200 with {}
	carry   func(context.Context, hooks.MethodCall) (hooks.Reply, error)
	verdict hooks.Verdict
	records []hooks.Record
	tail    chan hooks.Record
	letters []hooks.DeadLetter
	apply   func(*hooks.Release) error

	registry
}

func (w *world) Do(ctx context.Context, call hooks.CollectionCall) (hooks.Reply, error) {
	w.mu.Lock()
	w.calls = append(w.calls, call)
	w.mu.Unlock()
	if w.do != nil {
		return w.do(ctx, call)
	}
	return hooks.Reply{Status: http.StatusOK, Body: json.RawMessage(`{}`)}, nil
}

func (w *world) Call(ctx context.Context, call hooks.MethodCall) (hooks.Reply, error) {
	if w.carry == nil {
		return hooks.Reply{Status: http.StatusOK}, nil
	}
	return w.carry(ctx, call)
}

func (w *world) Ask(_ context.Context, e *hooks.Event) (hooks.Verdict, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, e)
	return w.verdict, nil
}

func (w *world) Publish(_ context.Context, e *hooks.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, e)
	return nil
}

func (w *world) Logs(_ context.Context, f hooks.LogFilter) ([]hooks.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.filter = f
	return w.records, nil
}

func (w *world) Tail(ctx context.Context, f hooks.LogFilter, each func(hooks.Record) error) error {
	for {
		select {
		case r := <-w.tail:
			if f.Match(&r) {
				if err := each(r); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// call returns the only call on documents.
func (w *world) call(t *testing.T) hooks.CollectionCall {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) != 1 {
		t.Fatalf("%d calls on documents, want 1", len(w.calls))
	}
	return w.calls[0]
}

// newServer returns a server on w; change may change its configuration.
func newServer(t *testing.T, w *world, change func(*Config)) *Server {
	t.Helper()
	c := w.config()
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// request is one that a test makes; its answer is checked against status, code and what it has.
type request struct {
	name, method, target, body string
	header                     map[string]string
	keyless                    bool // without the admin key

	status int
	code   hooks.Code
	has    string
}

func (q *request) run(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	var body io.Reader
	if q.body != "" {
		body = strings.NewReader(q.body)
	}
	if q.method == "" {
		q.method = http.MethodGet
	}
	r := httptest.NewRequestWithContext(t.Context(), q.method, q.target, body)
	r.Host = "localhost:8090"
	if !q.keyless {
		r.Header.Set("X-Api-Key", adminKey)
	}
	for name, value := range q.header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	q.check(t, w)
	return w
}

func (q *request) check(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	body := w.Body.String()
	if q.status != 0 && w.Code != q.status {
		t.Fatalf("%s %s: status %d, want %d: %.400s", q.method, q.target, w.Code, q.status, body)
	}
	if w.Header().Get("X-Request-Id") == "" {
		t.Errorf("%s %s: no X-Request-Id", q.method, q.target)
	}
	if !strings.Contains(body, q.has) {
		t.Errorf("%s %s: %.400s\nwithout %q", q.method, q.target, body, q.has)
	}
	if q.code == "" {
		return
	}
	var e errorBody
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%s %s: %v: %.400s", q.method, q.target, err, body)
	}
	if e.Error.Code != q.code || e.Error.Status != w.Code || e.Error.Message == "" || e.Error.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("%s %s: %s with header %s, want code %s", q.method, q.target, body, w.Header().Get("X-Request-Id"), q.code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("%s %s: Content-Type %q", q.method, q.target, got)
	}
}

// listen runs s on a port of its own. stop begins to stop it; what Run returned arrives in ended.
func listen(t *testing.T, s *Server) (url string, stop func(), ended <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, gone := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(gone)
		done <- s.Run(ctx, l)
	}()
	t.Cleanup(func() {
		cancel()
		<-gone
	})
	return "http://" + l.Addr().String(), cancel, done
}

// client returns an HTTP client that leaves nothing behind.
func client(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}
