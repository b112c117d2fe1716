package hooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/tidwall/gjson"
)

// Verdict is what a chain decides. Status 200 lets the call go on, with whatever of message, query, hint, result and
// context the hooks replaced; Respond answers the caller in place of the call; any other status stops the call, and
// Error says why.
type Verdict struct {
	Status   int             `json:"status"`
	Message  json.RawMessage `json:"message,omitempty"`
	Query    json.RawMessage `json:"query,omitempty"`
	Hint     json.RawMessage `json:"hint,omitempty"`
	Result   json.RawMessage `json:"result,omitempty"`
	Context  json.RawMessage `json:"context,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
	Respond  *Response       `json:"respond,omitempty"`
	Error    *Error          `json:"error,omitempty"`
	// Release is the number of the one that decided, 0 if none did. It travels in a header.
	Release uint64 `json:"-"`
}

// Response is an answer that a hook gives in place of the call.
type Response struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// GoOn is the verdict that leaves a call as it is.
func GoOn() Verdict { return Verdict{Status: http.StatusOK} }

// Stop is the verdict that ends a call with err.
func Stop(err *Error) Verdict { return Verdict{Status: err.Status, Error: err} }

// Stopped reports whether the verdict stops the call.
func (v *Verdict) Stopped() bool { return v.Status != http.StatusOK }

// reason is why the verdict stops the call.
func (v *Verdict) reason() *Error {
	if v.Error == nil {
		return &Error{Status: v.Status, Code: CodeRejected, Message: "a hook stopped the call", Release: v.Release, Warnings: v.Warnings}
	}
	reason := *v.Error
	reason.Release, reason.Warnings = v.Release, v.Warnings
	return &reason
}

const goOn = `{"status":200}`

// AppendJSON appends the verdict in its wire form. Raw fields are copied as they are.
func (v *Verdict) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"status":`...)
	dst = strconv.AppendInt(dst, int64(v.Status), 10)
	raw := func(name string, value []byte) {
		if value != nil {
			dst = append(dst, ',', '"')
			dst = append(dst, name...)
			dst = append(dst, '"', ':')
			dst = append(dst, value...)
		}
	}
	raw("message", v.Message)
	raw("query", v.Query)
	raw("hint", v.Hint)
	raw("result", v.Result)
	raw("context", v.Context)
	if len(v.Warnings) > 0 {
		raw("warnings", mustMarshal(v.Warnings))
	}
	if v.Respond != nil {
		raw("respond", mustMarshal(v.Respond))
	}
	if v.Error != nil {
		raw("error", mustMarshal(v.Error))
	}
	return append(dst, '}')
}

// MarshalJSON returns the wire form.
func (v Verdict) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

func mustMarshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own types, whose raw parts were valid when they came in
	}
	return b
}

// ParseVerdict reads the wire form. The raw fields are slices of b, which nobody may write to any more. It is on the path of every call, and looks at what a
// verdict replaces no further than to find its end.
func ParseVerdict(b []byte) (Verdict, error) {
	if string(b) == goOn {
		return GoOn(), nil
	}
	var v Verdict
	root := gjson.Parse(textOf(b))
	if !gjson.Valid(textOf(b)) || !root.IsObject() {
		return v, errors.New("verdict: not a JSON object")
	}
	var failed error
	root.ForEach(func(name, value gjson.Result) bool {
		raw := b[value.Index : value.Index+len(value.Raw)]
		if field := v.raw(name.Str); field != nil {
			*field = raw
			return true
		}
		switch name.Str {
		case "status":
			v.Status = int(value.Int())
		case "warnings":
			v.Warnings, failed = unmarshalled[[]string](raw)
		case "respond":
			v.Respond, failed = unmarshalled[*Response](raw)
		case "error":
			v.Error, failed = unmarshalled[*Error](raw)
		}
		return failed == nil
	})
	if failed != nil {
		return v, fmt.Errorf("verdict: %w", failed)
	}
	if v.Error != nil {
		v.Error.Status = v.Status
	}
	return v, nil
}

// unmarshalled keeps what the decoder looks into apart from the verdict, which need not be on the heap for it.
func unmarshalled[T any](raw []byte) (v T, err error) {
	err = json.Unmarshal(raw, &v)
	return v, err
}

// raw returns the field of that name of those that are passed on as they are, or nil.
func (v *Verdict) raw(name string) *json.RawMessage {
	switch name {
	case "message":
		return &v.Message
	case "query":
		return &v.Query
	case "hint":
		return &v.Hint
	case "result":
		return &v.Result
	case "context":
		return &v.Context
	}
	return nil
}
