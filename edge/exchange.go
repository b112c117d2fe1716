package edge

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"gaff/hooks"
)

// exchange is one request with its answer. It belongs to one goroutine.
type exchange struct {
	depth     int    // how many hooks stand between the request and the outside
	trace     string // the traceparent of the request, if it has one
	w         http.ResponseWriter
	r         *http.Request
	id        string // of the request and of the event that it causes
	method    string // what the request asks for: HEAD is GET, and a POST may stand for another
	caller    caller
	echo      string // the id that the caller of a method has given
	enveloped bool   // an error has the fields of /rpc beside its own
	begun     bool   // the answer is on its way: it cannot become another
}

// serve is the handler of a route, with what all routes share.
func (s *Server) serve(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{w: w, r: r, enveloped: rt.enveloped}
		defer func() {
			if p := recover(); p != nil {
				s.panicked(x, p)
			}
		}()
		x.identify(requestID(r))
		if err := s.answer(x, rt); err != nil {
			s.refuse(x, err)
		}
	})
}

func (s *Server) answer(x *exchange, rt *route) error {
	x.w.Header().Set("X-Content-Type-Options", "nosniff")
	if s.stops() {
		x.w.Header().Set("Connection", "close")
	}
	if x.r.ContentLength != 0 {
		x.readWithin(s.timing.readBody) // also bounds what the server skips of a body that nobody reads
	}
	if err := s.access.local(x.r); err != nil {
		return err
	}
	if !rt.public {
		caller, err := s.access.caller(x.r)
		if err != nil {
			x.challenge(err)
			return err
		}
		x.caller = caller
		if err := caller.allowed(rt); err != nil {
			return err
		}
	}
	handle, err := rt.handler(x)
	if err != nil {
		return err
	}
	if x.depth, err = depthOf(x.r); err != nil {
		return err
	}
	x.trace = traceOf(x.r)
	cancel, err := x.limit()
	if err != nil {
		return err
	}
	defer cancel()
	return s.once(x, rt, handle)
}

// challenge says how to send what an UNAUTHORIZED caller lacks.
func (x *exchange) challenge(err error) {
	if hooks.AsError(err).Status == http.StatusUnauthorized {
		x.w.Header().Set("WWW-Authenticate", "Bearer")
	}
}

// identify gives the exchange its id.
func (x *exchange) identify(id string) {
	x.id = id
	x.w.Header().Set("X-Request-Id", id)
}

// depthOf reads the header with which a request says how many hooks stand behind it: those that scripts make have it, so
// that a loop over HTTP ends too. Whoever sends a wrong one has only its own call refused earlier.
func depthOf(r *http.Request) (int, error) {
	header := r.Header.Get(hooks.DepthHeader)
	if header == "" {
		return 0, nil
	}
	depth, err := strconv.ParseUint(header, 10, 16)
	if err != nil {
		return 0, hooks.Errorf(hooks.CodeBadRequest, "%s takes a number", hooks.DepthHeader)
	}
	return int(depth), nil
}

// traceOf returns the request's traceparent. One that is malformed, or one of several, is none: nobody fails for it.
func traceOf(r *http.Request) string {
	if values := r.Header.Values(hooks.TraceHeader); len(values) == 1 {
		return hooks.ParseTrace(values[0])
	}
	return ""
}

// limit gives the request the deadline that its header Gaff-Deadline asks for, in milliseconds.
func (x *exchange) limit() (context.CancelFunc, error) {
	header := x.r.Header.Get("Gaff-Deadline")
	if header == "" {
		return func() {}, nil
	}
	ms, err := strconv.ParseUint(header, 10, 32)
	if err != nil || ms == 0 || ms > uint64(maxDeadline.Milliseconds()) {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "Gaff-Deadline takes milliseconds, from 1 to %d", maxDeadline.Milliseconds())
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), time.Duration(ms)*time.Millisecond)
	x.r = x.r.WithContext(ctx)
	return cancel, nil
}

// panicked answers for a handler that panicked.
func (s *Server) panicked(x *exchange, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		panic(p)
	}
	s.config.Log.Error("panic", "request", x.id, "method", x.r.Method, "path", x.r.URL.Path, "panic", p, "stack", string(debug.Stack()))
	if x.begun {
		panic(http.ErrAbortHandler) // breaks the answer off, rather than let half of one look whole
	}
	s.refuse(x, &hooks.Error{Status: http.StatusInternalServerError, Code: hooks.CodeUnavailable, Message: "the server failed; its log says more"})
}

const maxRequestID = 128

// requestID returns the id of a request. A client's own is kept if it is usable; but a request that may change
// something gets a new part behind it: the id is that of the event too, and of two events with one id, as when a proxy
// tries again, the stream would take the second for a duplicate and no hook would run for it.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	switch {
	case !validRequestID(id):
		return newID()
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return id
	}
	return id[:min(len(id), maxRequestID-25)] + "." + newID()
}

// validRequestID reports whether the id is safe wherever it goes: headers, message ids, logs.
func validRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return true
}

// newID returns 24 hexadecimal digits that sort by the second in which they were made.
func newID() string {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], uint32(time.Now().Unix()))
	rand.Read(b[4:]) // never fails
	return hex.EncodeToString(b[:])
}
