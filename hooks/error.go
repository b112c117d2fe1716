package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Code says what kind of failure a caller sees. Hooks may answer with codes of their own.
type Code string

// The codes that Gaff itself answers with; [Code.Status] has the HTTP status of each.
const (
	CodeBadName      Code = "BAD_NAME"
	CodeBadRequest   Code = "BAD_REQUEST"
	CodeValidation   Code = "VALIDATION"
	CodeUnauthorized Code = "UNAUTHORIZED"
	CodePaidFeature  Code = "PAID_FEATURE"
	CodeForbidden    Code = "FORBIDDEN"
	CodeNotFound     Code = "NOT_FOUND"
	CodeHookNotFound Code = "HOOK_NOT_FOUND"
	CodeConflict     Code = "CONFLICT"
	CodeTooLarge     Code = "TOO_LARGE"
	CodeRateLimited  Code = "RATE_LIMITED"
	CodeServiceError Code = "SERVICE_ERROR"
	CodeHookError    Code = "HOOK_ERROR"
	CodeHookCrashed  Code = "HOOK_CRASHED"
	CodeUnavailable  Code = "UNAVAILABLE"
	CodeOverloaded   Code = "OVERLOADED"
	CodeHookTimeout  Code = "HOOK_TIMEOUT"
	// CodeRejected is the code of a hook that stops a call and names no code itself.
	CodeRejected Code = "REJECTED"
)

var statusOf = map[Code]int{
	CodeBadName:      http.StatusBadRequest,
	CodeBadRequest:   http.StatusBadRequest,
	CodeValidation:   http.StatusBadRequest,
	CodeUnauthorized: http.StatusUnauthorized,
	CodePaidFeature:  http.StatusPaymentRequired,
	CodeForbidden:    http.StatusForbidden,
	CodeNotFound:     http.StatusNotFound,
	CodeHookNotFound: http.StatusNotFound,
	CodeConflict:     http.StatusConflict,
	CodeTooLarge:     http.StatusRequestEntityTooLarge,
	CodeRateLimited:  http.StatusTooManyRequests,
	CodeServiceError: http.StatusBadGateway,
	CodeHookError:    http.StatusInternalServerError,
	CodeHookCrashed:  http.StatusInternalServerError,
	CodeUnavailable:  http.StatusServiceUnavailable,
	CodeOverloaded:   http.StatusServiceUnavailable,
	CodeHookTimeout:  http.StatusGatewayTimeout,
}

// Status returns the HTTP status that goes with the code, 500 for one that is not ours.
func (c Code) Status() int {
	if s, ok := statusOf[c]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// Error is what a caller is told: a status, a code to act on, and a message to read. It never carries internals;
// those stay in the cause, which [Error.Unwrap] gives to logs.
type Error struct {
	Status  int          `json:"-"`
	Code    Code         `json:"code"`
	Message string       `json:"message"`
	Fields  []FieldError `json:"fields,omitempty"`
	// Details are for programs: a JSON object, such as the SQLSTATE of a failed statement.
	Details json.RawMessage `json:"details,omitempty"`
	// ReasonCode, unless 0, and StatusMessage, the same as Message, are what clients look for that call services whose hooks
	// answer by their last value. The other hooks give none.
	ReasonCode    int    `json:"reason_code,omitempty"`
	StatusMessage string `json:"status_message,omitempty"`
	// Hook names the hook that decided this, as hook or hook.function.
	Hook string `json:"hook,omitempty"`
	// Release is the one whose hooks decided this; 0: none did.
	Release uint64 `json:"-"`
	// Warnings tell of what else went wrong, such as a hook that could not answer in place of this.
	Warnings []string `json:"-"`
	// Permanent says that trying again would not help; RetryAfter, unless 0, that it may after that time. Scripts say so
	// with Permanent and Retry.
	Permanent  bool          `json:"-"`
	RetryAfter time.Duration `json:"-"`

	cause error
}

// FieldError says what is wrong with one field of a message.
type FieldError struct {
	Field   string `json:"field,omitempty"`
	Message string `json:"message"`
}

// Errorf returns an error with the code and its status.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Status: code.Status(), Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because keeps the cause for logs, without showing it to the caller.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// with is a copy of the error with a cause.
func (e *Error) with(cause error) *Error {
	of := *e
	of.cause = cause
	return &of
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

// raw is the error as failed hooks see it.
func (e *Error) raw() json.RawMessage {
	fields := map[string]any{"code": e.Code, "message": e.Message, "status": e.Status}
	if e.ReasonCode != 0 {
		fields["reason_code"] = e.ReasonCode
	}
	return mustMarshal(fields)
}

// ScriptError returns what a script sees of the error when one of its own calls gets it.
func (e *Error) ScriptError() any {
	return struct {
		Status int `json:"status"`
		*Error
	}{e.Status, e}
}

// AsError returns err as an [Error]; one of another type becomes an UNAVAILABLE whose text stays in the log.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Errorf(CodeUnavailable, "the call could not be carried out; try again").Because(err)
}
