package queue

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gaff/hooks"
)

// shared is the URL of a server that tests use side by side, each under a prefix of its own.
var shared string

func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		os.Exit(childWorker())
	}
	if os.Getenv(serverVariable) != "" {
		os.Exit(childServer())
	}
	dir, err := os.MkdirTemp("", "gaff-queue-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := StartServer(ServerConfig{Addr: "127.0.0.1:0", Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared = s.URL()
	code := m.Run()
	s.Shutdown()
	os.RemoveAll(dir)
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

var prefixes atomic.Int64

// newPrefix returns one that no other test has.
func newPrefix() string { return fmt.Sprintf("t%d", prefixes.Add(1)) }

// connect returns a connection that ends with the test. Logs go nowhere unless the test is verbose.
func connect(t testing.TB, config Config) *Conn {
	t.Helper()
	own := config.URL == "" && config.Prefix == ""
	if config.URL == "" {
		config.URL = shared
	}
	if config.Prefix == "" {
		config.Prefix = newPrefix()
	}
	if config.LogMaxBytes == 0 {
		config.LogMaxBytes = 64 << 20
	}
	if config.Log == nil {
		w := io.Discard
		if testing.Verbose() {
			w = os.Stderr
		}
		config.Log = slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	c, err := Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if own && c.nc.IsConnected() { // these set room aside, of which the server has an end
			for _, name := range []string{c.logStream(), c.doneStream()} {
				_ = c.js.DeleteStream(context.WithoutCancel(t.Context()), name)
			}
		}
		c.Close()
	})
	return c
}

// startServer starts a server of the test's own and returns it with what restarts it at the same address. It ends after
// everything that the test starts later.
func startServer(t testing.TB) (s *Server, restart func()) {
	t.Helper()
	dir := t.TempDir()
	start := func(addr string) *Server {
		s, err := StartServer(ServerConfig{Addr: addr, Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s = start("127.0.0.1:0")
	current := s
	t.Cleanup(func() { current.Shutdown() })
	addr := strings.TrimPrefix(s.URL(), "nats://")
	return s, func() { current = start(addr) }
}

// tables is a release with one before hook on customer.POST, changed by opts.
func tables(opts ...func(*hooks.Hook)) *hooks.Tables {
	h := hooks.Hook{
		Name: "check", Service: "customer", Operation: "POST", Phase: hooks.Before, Script: "check.js",
		Functions: []string{"beforePOST"}, Origins: []hooks.Origin{hooks.Client, hooks.Script},
	}
	for _, opt := range opts {
		opt(&h)
	}
	ts := &hooks.Tables{}
	ts.Set(hooks.NewTable(&hooks.Release{App: "default", Number: 1, Hooks: []hooks.Hook{h}}))
	return ts
}

// call is an event of phase before that the hook of tables matches.
func call(message string) *hooks.Event {
	return &hooks.Event{
		App: "default", Service: "customer", Operation: "POST", Phase: hooks.Before,
		Payload: hooks.Payload{Message: []byte(message)},
	}
}

// told is an event of phase after.
func told(id string) *hooks.Event {
	e := call(`{"n":1}`)
	e.Phase, e.ID, e.Key = hooks.After, id, id
	return e
}

func newGate(t testing.TB, c *Conn, ts *hooks.Tables) *Gate {
	t.Helper()
	g, err := NewGate(c, ts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

// echo is a handler that answers with the message it got.
var echo = hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
	v := hooks.GoOn()
	v.Message = e.Message
	return v
})

// serve answers asks until the returned function is called, which waits and returns Serve's error.
func serve(t testing.TB, c *Conn, h hooks.Answerer) (stop func() error) {
	t.Helper()
	pool := hooks.NewPool(8, 4096)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, c, h, pool, ServeOptions{}) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		err := <-done
		pool.Close()
		return err
	}
	t.Cleanup(func() { stop() })
	return stop
}

// run runs a part in the background until the test ends.
func run(t testing.TB, part func(ctx context.Context) error) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- part(ctx) }()
	stopped := false
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-done
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return stop
}

// await waits until ok holds, for at most 20 s.
func await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}
