package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Code says what kind of failure a caller sees.
type Code string

// The codes of this package's errors.
const (
	BadRequest   Code = "BAD_REQUEST"   // the payload does not fit, or a value is one that the service does not take
	Rejected     Code = "REJECTED"      // the author's SQL raised an error of its own
	Forbidden    Code = "FORBIDDEN"     // not open to the app, or the service's own rights do not allow it
	Conflict     Code = "CONFLICT"      // a constraint, a deadlock
	TooLarge     Code = "TOO_LARGE"     // more than [MaxRows] or [MaxBytes]
	ServiceError Code = "SERVICE_ERROR" // the service answered with any other error, or broke off
	Unavailable  Code = "UNAVAILABLE"   // the service cannot be reached: nothing was done
	Overloaded   Code = "OVERLOADED"    // no connection was free in time: nothing was done
	Timeout      Code = "HOOK_TIMEOUT"  // it did not end in time
)

var statusOf = map[Code]int{
	BadRequest:   http.StatusBadRequest,
	Rejected:     http.StatusBadRequest,
	Forbidden:    http.StatusForbidden,
	Conflict:     http.StatusConflict,
	TooLarge:     http.StatusRequestEntityTooLarge,
	ServiceError: http.StatusBadGateway,
	Unavailable:  http.StatusServiceUnavailable,
	Overloaded:   http.StatusServiceUnavailable,
	Timeout:      http.StatusGatewayTimeout,
}

// Error is what the caller of a method is told. It names no address and no credentials; those may be in the cause.
type Error struct {
	Code    Code
	Status  int // of HTTP
	Message string
	// Details are for programs: sqlstate, constraint and the like of SQL, redis (the first word of its error), outcome
	// ("unknown" if it is open whether the call was carried out), applied (how many commands of a transaction were).
	Details map[string]any

	cause error
}

// Error returns code, message and cause, for logs.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// JSON returns the details as a JSON object, nil if there are none.
func (e *Error) JSON() json.RawMessage {
	if len(e.Details) == 0 {
		return nil
	}
	raw, err := json.Marshal(e.Details)
	if err != nil { // strings and numbers always marshal
		return nil
	}
	return raw
}

func errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Status: statusOf[code], Message: fmt.Sprintf(format, args...)}
}

func (e *Error) because(cause error) *Error {
	e.cause = cause
	return e
}

func (e *Error) with(name string, value any) *Error {
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	e.Details[name] = value
	return e
}

// clocks is by how much the deadline of a connection may come before that of its context.
const clocks = 50 * time.Millisecond

// over reports whether a call's time is over, or as good as.
func over(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() != nil || ok && time.Until(deadline) < clocks
}

// broken is the error of a call whose connection failed; sent says that the service may have got it.
func broken(ctx context.Context, service string, sent bool, cause error) *Error {
	timeout, isNet := errors.AsType[net.Error](cause)
	late := errors.Is(cause, context.DeadlineExceeded) || isNet && timeout.Timeout() && over(ctx)
	switch {
	case late && sent:
		return errorf(Timeout, "%s did not end in time", service).with("outcome", "unknown").because(cause)
	case late:
		return errorf(Timeout, "there was no connection to %s in time", service).because(cause)
	case !sent:
		return errorf(Unavailable, "%s cannot be reached", service).because(cause)
	case errors.Is(cause, errRaw):
		return tooManyBytes().because(cause)
	}
	return errorf(ServiceError, "the connection to %s broke off; it is not known whether the call was carried out", service).
		with("outcome", "unknown").because(cause)
}
