package edge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"gaff/hooks"
)

// Once sees to it that a request with an Idempotency-Key is carried out once.
type Once interface {
	Begin(ctx context.Context, app, key string, m hooks.Mark, ttl time.Duration) (first bool, done hooks.Mark, err error)
	End(ctx context.Context, app, key, owner string, value json.RawMessage) error
	Fail(ctx context.Context, app, key, owner string) error
}

const (
	// maxIdempotencyKey bounds the header, in bytes.
	maxIdempotencyKey = 255
	// maxKeptAnswer bounds an answer that is given again, in bytes. A larger one is answered once; then only that it was.
	maxKeptAnswer = 256 << 10
	// keepAnswer bounds how long an answer may take to be kept once its request is gone.
	keepAnswer = 5 * time.Second
)

// keptAnswer is an answer that is given again.
type keptAnswer struct {
	Status    int         `json:"status"`
	Header    http.Header `json:"header"`
	Body      []byte      `json:"body,omitempty"`
	TooLarge  bool        `json:"tooLarge,omitempty"`
	RequestID string      `json:"requestId"`
}

// once carries a request out, unless one with the same Idempotency-Key was: then its answer is the first one's. A request
// that failed on our side is not remembered, and may be tried again.
func (s *Server) once(x *exchange, rt *route, handle handler) error {
	key := x.r.Header.Get("Idempotency-Key")
	if key == "" || !rt.once || s.config.Once == nil || x.method == http.MethodGet {
		return handle(x)
	}
	if len(key) > maxIdempotencyKey || !isASCII(key) {
		return hooks.Errorf(hooks.CodeBadRequest, "Idempotency-Key has 1 to %d printable ASCII characters", maxIdempotencyKey)
	}
	digest, err := x.digest()
	if err != nil {
		return err
	}
	app, name := x.caller.app, "http:"+x.method+" "+x.r.URL.Path+" "+key
	first, done, err := s.config.Once.Begin(x.r.Context(), app, name, hooks.Mark{Owner: x.id, Print: digest}, hooks.OnceTTL)
	switch {
	case err != nil:
		return err
	case !first:
		return x.answerAgain(done.Value)
	}
	recorder := &answerRecorder{ResponseWriter: x.w}
	x.w = recorder
	if err := handle(x); err != nil {
		s.refuse(x, err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.r.Context()), keepAnswer)
	defer cancel()
	if recorder.status >= http.StatusInternalServerError {
		err = s.config.Once.Fail(ctx, app, name, x.id)
	} else {
		err = s.config.Once.End(ctx, app, name, x.id, recorder.kept(x.id))
	}
	if err != nil {
		s.config.Log.Warn("an answer could not be kept for its Idempotency-Key", "request", x.id, "error", err)
	}
	return nil
}

// isASCII reports whether s has nothing but printable ASCII.
func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// digest tells a request from another one with the same key. The body can be read again.
func (x *exchange) digest() (string, error) {
	sum := sha256.New()
	sum.Write([]byte(x.r.URL.RawQuery + "\n"))
	if x.r.Body != nil {
		body, err := io.ReadAll(io.LimitReader(x.r.Body, maxBody+1))
		if err != nil {
			return "", hooks.Errorf(hooks.CodeBadRequest, "the body did not arrive whole").Because(err)
		}
		sum.Write(body)
		x.r.Body = reread{io.MultiReader(bytes.NewReader(body), x.r.Body), x.r.Body}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// reread is a body whose beginning was read already.
type reread struct {
	io.Reader
	io.Closer
}

func (x *exchange) answerAgain(raw json.RawMessage) error {
	var kept keptAnswer
	if err := json.Unmarshal(raw, &kept); err != nil {
		return hooks.Errorf(hooks.CodeUnavailable, "the first answer cannot be read").Because(err)
	}
	x.w.Header().Set("Idempotency-Replayed", "true")
	if kept.TooLarge {
		return hooks.Errorf(hooks.CodeConflict, "the request %s with the same Idempotency-Key was carried out; its answer was too large to be kept", kept.RequestID)
	}
	for name, values := range kept.Header {
		x.w.Header()[name] = values
	}
	x.identify(kept.RequestID)
	if len(kept.Body) == 0 {
		kept.Body = nil
	}
	return x.send(kept.Status, kept.Body)
}

// answerRecorder notes what is answered.
type answerRecorder struct {
	http.ResponseWriter
	status   int
	body     bytes.Buffer
	tooLarge bool
}

// Unwrap gives what net/http needs of the writer below.
func (r *answerRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// WriteHeader notes the status.
func (r *answerRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write notes the body, as far as it is kept.
func (r *answerRecorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.tooLarge = r.tooLarge || r.body.Len()+len(b) > maxKeptAnswer; !r.tooLarge {
		r.body.Write(b)
	}
	return r.ResponseWriter.Write(b)
}

// kept is the answer as it is kept.
func (r *answerRecorder) kept(id string) json.RawMessage {
	kept := keptAnswer{Status: r.status, Header: http.Header{}, RequestID: id, TooLarge: r.tooLarge}
	for _, name := range []string{"Content-Type", "Etag", "Gaff-Release", "Gaff-Warning", "Location"} {
		if values := r.Header().Values(name); len(values) > 0 {
			kept.Header[name] = values
		}
	}
	if !r.tooLarge {
		kept.Body = r.body.Bytes()
	}
	b, err := json.Marshal(kept)
	if err != nil {
		return nil
	}
	return b
}
