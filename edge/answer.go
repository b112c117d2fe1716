package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"gaff/hooks"
)

// send answers with JSON, or without a body if it is nil. That the client is gone is no error.
func (x *exchange) send(status int, body []byte) error {
	x.begun = true
	h := x.w.Header()
	if status == http.StatusNoContent || status == http.StatusNotModified {
		x.w.WriteHeader(status)
		return nil
	}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	x.w.WriteHeader(status)
	x.w.Write(body) //nolint:errcheck // see above
	return nil
}

// encode answers with v as JSON.
func (x *exchange) encode(status int, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	return x.send(status, body)
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// errorBody is the shape of every error.
type errorBody struct {
	Error errorFields `json:"error"`
}

type errorFields struct {
	Status    int                `json:"status"`
	Code      hooks.Code         `json:"code"`
	Message   string             `json:"message"`
	Hook      string             `json:"hook,omitempty"`
	Fields    []hooks.FieldError `json:"fields,omitempty"`
	Details   json.RawMessage    `json:"details,omitempty"`
	RequestID string             `json:"requestId"`

	ReasonCode    int    `json:"reason_code,omitempty"` // of a hook that answers by its last value
	StatusMessage string `json:"status_message,omitempty"`
}

// failure is an error that is ready to be sent.
type failure struct{ body errorBody }

// Error returns what the caller reads.
func (f *failure) Error() string { return f.body.Error.Message }

// GetStatus returns the HTTP status.
func (f *failure) GetStatus() int { return f.body.Error.Status }

// MarshalJSON returns the answer's body.
func (f *failure) MarshalJSON() ([]byte, error) { return marshal(&f.body) }

// refuse answers with err as its caller may see it, and logs the rest.
func (s *Server) refuse(x *exchange, err error) {
	f := s.failure(x, err)
	public := hooks.AsError(err)
	x.decided(public.Release)
	x.warn(public.Warnings)
	var body any = &f.body
	if x.enveloped {
		body = &envelope{Error: f.body.Error, RequestID: x.callID()}
	}
	if err := x.encode(f.GetStatus(), body); err != nil {
		panic(err) // strings and numbers always encode
	}
}

// failure is err as its caller may see it; the rest is logged.
func (s *Server) failure(x *exchange, err error) *failure {
	e := publicError(err)
	status := e.Status
	if status < 400 || status > 599 {
		status = http.StatusInternalServerError
	}
	if e.Unwrap() != nil && !errors.Is(err, context.Canceled) {
		s.config.Log.Warn("request failed", "request", x.id, "method", x.r.Method, "path", x.r.URL.Path, "status", status, "error", err)
	}
	return &failure{errorBody{errorFields{
		Status: status, Code: e.Code, Message: e.Message, Hook: e.Hook, Fields: e.Fields, Details: e.Details,
		RequestID: x.id, ReasonCode: e.ReasonCode, StatusMessage: e.StatusMessage,
	}}}
}

// publicError is what a caller is told of err.
func publicError(err error) *hooks.Error {
	if _, ours := errors.AsType[*hooks.Error](err); !ours && errors.Is(err, context.DeadlineExceeded) {
		return hooks.Errorf(hooks.CodeHookTimeout, "the call has not ended within its deadline").Because(err)
	}
	return hooks.AsError(err)
}

// Bounds of the warnings in an answer's headers.
const (
	maxWarnings = 16
	maxWarning  = 400 // bytes
)

// warn tells the client what hooks warn of, in headers.
func (x *exchange) warn(warnings []string) {
	for _, warning := range warnings[:min(len(warnings), maxWarnings)] {
		x.w.Header().Add("Gaff-Warning", headerText(warning))
	}
}

// decided tells the client which release's hooks decided, if any did.
func (x *exchange) decided(release uint64) {
	if release != 0 {
		x.w.Header().Set("Gaff-Release", strconv.FormatUint(release, 10))
	}
}

// headerText makes s fit for a header: one line of ASCII.
func headerText(s string) string {
	if len(s) > maxWarning {
		s = s[:maxWarning]
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f:
			return ' '
		case r > 0x7f:
			return '?'
		}
		return r
	}, s))
}
