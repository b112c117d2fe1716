package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"gaff/hooks"
)

// takeWithin is how long a client may take to accept one event of a stream.
const takeWithin = 10 * time.Second

// stream sends each record that the parameters select as a server-sent event, from since or from now on, until the
// client goes or the server stops. The parameter limit has no effect on it.
func (s *Server) stream(x *exchange) error {
	filter, err := logFilter(x)
	if err != nil {
		return err
	}
	filter.Limit = 0
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		return hooks.Errorf(hooks.CodeOverloaded, "%d streams are open already", maxStreams)
	}
	x.begun = true
	h := x.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // proxies would hold events back
	x.w.WriteHeader(http.StatusOK)
	if x.r.Method == http.MethodHead {
		return nil
	}
	if err := s.follow(x, filter); err != nil {
		s.config.Log.Warn("log stream broke off", "request", x.id, "error", err)
	}
	return nil
}

// follow sends what the log tells. The error is the log's; that the client has gone is none.
func (s *Server) follow(x *exchange, filter hooks.LogFilter) error {
	ctx, cancel := context.WithCancel(x.r.Context())
	records, ended := make(chan hooks.Record), make(chan struct{})
	var failed error
	go func() {
		defer close(ended)
		failed = s.config.Logs.Tail(ctx, filter, func(r hooks.Record) error {
			select {
			case records <- r:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	s.push(x, records, ended)
	cancel()
	<-ended // nothing of the stream outlives it
	if errors.Is(failed, context.Canceled) || errors.Is(failed, context.DeadlineExceeded) {
		return nil
	}
	return failed
}

// push writes records and signs of life until the client goes, the server stops or the log ends.
func (s *Server) push(x *exchange, records <-chan hooks.Record, ended <-chan struct{}) {
	beat := time.NewTicker(s.timing.heartbeat)
	defer beat.Stop()
	event := []byte(": from here on\n\n")
	for x.sendEvent(event) == nil {
		select {
		case <-x.r.Context().Done():
			return
		case <-s.stopping:
			return
		case <-ended:
			return
		case r := <-records:
			event = recordEvent(&r)
		case <-beat.C:
			event = []byte(":\n\n")
		}
	}
}

func (x *exchange) sendEvent(event []byte) error {
	control := http.NewResponseController(x.w)
	if err := control.SetWriteDeadline(time.Now().Add(takeWithin)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := x.w.Write(event); err != nil {
		return err
	}
	return control.Flush()
}

// recordEvent is the server-sent event of a record.
func recordEvent(r *hooks.Record) []byte {
	data, err := marshal(r)
	if err != nil {
		panic(err) // a record's raw part was valid when it came in
	}
	id := strings.Map(func(c rune) rune {
		if c < ' ' {
			return -1
		}
		return c
	}, r.ID)
	return []byte("id: " + id + "\ndata: " + string(data) + "\n\n")
}
