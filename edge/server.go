package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server answers HTTP requests. It is safe for concurrent use.
type Server struct {
	config   Config
	access   access
	sessions *sessions
	ready    *readiness
	handler  http.Handler
	timing   timing
	building chan struct{} // holds one token while a release is built: compiling is costly
	trying   chan struct{} // holds a token for each dry run
	streams  chan struct{} // holds a token for each stream

	stopping chan struct{} // closed once the server stops
	stop     func()
}

// New returns a server of the configuration.
func New(c Config) (*Server, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.AdminKey == "" && !c.Open {
		c.Log.Warn("there is no admin key: nobody can make apps, or the first key of one")
	}
	s := newServing(c)
	s.access = newAccess(&c)
	s.sessions = newSessions()
	s.building = make(chan struct{}, 1)
	s.trying = make(chan struct{}, maxTrials)
	s.streams = make(chan struct{}, maxStreams)
	s.handler = s.routes()
	return s, nil
}

// NewHealth returns a server that answers /livez, /readyz and, unless metrics is nil, /metrics, and nothing else, for a
// process that serves no calls. The checks are those of [Config.Checks].
func NewHealth(checks map[string]func(context.Context) error, metrics http.Handler, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := newServing(Config{Checks: checks, Metrics: metrics, Log: log})
	mux := http.NewServeMux()
	s.health(mux)
	s.handler = s.complete(mux, &route{public: true})
	return s
}

// newServing returns a server with what every one needs, and no routes.
func newServing(c Config) *Server {
	stopping := make(chan struct{})
	return &Server{
		config:   c,
		ready:    &readiness{checks: c.Checks, log: c.Log},
		timing:   defaultTiming(),
		stopping: stopping,
		stop:     sync.OnceFunc(func() { close(stopping) }),
	}
}

// Handler returns the handler of all routes, for servers and tests of one's own. Limits on connections are those of
// [Server.Run] only.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on l, which it closes, until ctx ends. Then /readyz answers 503, streams end, new connections are
// refused, and requests in flight have 25 s to finish; it is an error if some do not. A server runs once.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is in flight outlives ctx
	defer cancel()
	server := &http.Server{
		Handler:           s.handler,
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: s.timing.header,
		WriteTimeout:      maxDeadline + time.Minute, // no answer takes longer; streams set their own
		IdleTimeout:       s.timing.idle,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(&patientListener{l, s.timing.idle, s.timing.header}) }()
	select {
	case err := <-served:
		s.stop()
		return errors.Join(fmt.Errorf("HTTP: %w", err), server.Close())
	case <-ctx.Done():
	}
	s.stop()
	l.Close() // at once, so that a client finds out by a refused connection and not by a call that is dropped
	<-served  //nolint:errcheck // the listener was closed
	// Closing an idle connection can cross a request that its client is just sending. Until now clients in the midst
	// of their work were not told; from here on each answer says that its connection closes.
	wait(s.timing.drain)
	within, done := context.WithTimeout(base, s.timing.stop)
	defer done()
	if err := server.Shutdown(within); err != nil {
		return errors.Join(fmt.Errorf("HTTP: requests were still in flight after %s: %w", s.timing.stop, err), server.Close())
	}
	return nil
}

func wait(d time.Duration) { <-time.After(d) }

// stops reports whether the server has begun to stop.
func (s *Server) stops() bool {
	select {
	case <-s.stopping:
		return true
	default:
		return false
	}
}
