package hooks

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/script"
)

// The reason codes that scripts whose last value is their answer, and the clients that they were written for, know.
const (
	reasonScriptError   = 40357 // the script ended with something that is no answer
	reasonMissingScript = 40363
	reasonParsing       = 40647
	reasonRejected      = 40639 // it stopped the call and named no reason
	reasonTimeout       = 40910
	reasonThrown        = 40911
)

// because gives the error the reason code, and with it the text under the name that goes with it.
func (e *Error) because(code int) *Error {
	e.ReasonCode, e.StatusMessage = code, e.Message
	return e
}

// decideLast reads the last value of a script:
//
//   - null, undefined, {} and true leave everything as it is, false stops the call;
//   - {status: 200, messageOverride} before the call replaces its arguments as a whole, {status: 200, data} after it the
//     result, and after a failure makes a success of it;
//   - another status is an error, with reasonCode and errorMessage, of which the caller is told. After the call nothing is
//     undone by it.
//
// Anything else is a fault of the script. What the script has changed in data without handing it back does not count.
func decideLast(e *Event, res *scriptResult) (Verdict, *Error) {
	v := GoOn()
	answer := &res.Answer
	if value, ok := answer.Bool(); ok {
		if !value {
			return stopLast(e, rejectedLast(http.StatusInternalServerError, gjson.Result{}))
		}
		return v, nil
	}
	if !says(answer.Raw) {
		return v, nil
	}
	status, ok := lastStatus(answer)
	switch {
	case !ok:
		return v, noAnswer(answer)
	case status != http.StatusOK:
		return stopLast(e, rejectedLast(status, gjson.ParseBytes(answer.Raw)))
	case e.Phase == Before:
		override(e, &v, answer.Field("messageOverride"))
	default:
		v.Result = answer.Field("data")
		if v.Result != nil && !e.Asked {
			v.Result = nil
			v.Warnings = append(v.Warnings, "the answer changes nothing: nobody waits for a hook without sync: true")
		}
	}
	if v.Result == nil && e.Phase == Failed && e.Asked {
		v.Warnings = append(v.Warnings, "status 200 without data leaves the failure as it is")
	}
	return v, nil
}

// override replaces the arguments of the call. A call without a message has query and hint instead.
func override(e *Event, v *Verdict, message json.RawMessage) {
	switch {
	case message == nil || string(message) == "null":
	case e.Message == nil && e.Operation == "GET":
		if query := gjson.GetBytes(message, "query"); query.IsObject() {
			v.Query = json.RawMessage(query.Raw)
		}
		if hint := gjson.GetBytes(message, "hint"); hint.IsObject() {
			v.Hint = json.RawMessage(hint.Raw)
		}
	default:
		v.Message = message
	}
}

// lastStatus returns the status of an answer, if it is one.
func lastStatus(answer *script.Answer) (int, bool) {
	status := gjson.ParseBytes(answer.Field("status"))
	n := status.Int()
	return int(n), answer.IsObject() && status.Type == gjson.Number && float64(n) == status.Num && n >= 0 && n <= 999_999
}

// noAnswer is the fault of a script whose last value is none that could be understood.
func noAnswer(answer *script.Answer) *Error {
	message := "the last value must be an object with a status, null, true or false; it is " + kindOf(answer.Raw)
	if answer.IsObject() {
		message = "the object that is the last value has no numeric status: 200 lets the call go on"
	}
	return Errorf(CodeHookError, "%s", message).because(reasonScriptError)
}

func kindOf(raw []byte) string {
	switch gjson.ParseBytes(raw).Type {
	case gjson.String:
		return "a text"
	case gjson.Number:
		return "a number"
	}
	return "a list"
}

// rejectedLast is the error that an answer with a status other than 200 makes: reasonCode and errorMessage have other
// names, too, which clients use. A reason that is no number but could be a code is the code.
func rejectedLast(status int, answer gjson.Result) *Error {
	err := rejected(firstText(answer, "errorMessage", "error_message", "status_message", "statusMessage"))
	err.Status = status
	code := reasonRejected
	for _, name := range []string{"reasonCode", "reason_code"} {
		reason := answer.Get(name)
		if n, numeric := strconv.Atoi(reason.String()); reason.Exists() && numeric == nil {
			code = n
		} else if reason.Type == gjson.String && ValidName(reason.Str) {
			err.Code = Code(reason.Str)
		}
	}
	return err.because(code)
}

func firstText(answer gjson.Result, names ...string) string {
	for _, name := range names {
		if v := answer.Get(name); v.Exists() && v.Type != gjson.Null && strings.TrimSpace(v.String()) != "" {
			return v.String()
		}
	}
	return ""
}

// stopLast has the caller told of an error. Before the call that stops it; after it, if nobody waits, the hook has failed.
func stopLast(e *Event, err *Error) (Verdict, *Error) {
	v := GoOn()
	if e.Phase == Before || !e.Asked {
		return v, err
	}
	v.Status, v.Error = err.Status, err
	return v, nil
}

// reasoned gives a fault of a script whose last value is its answer the reason code that goes with it.
func (e *Error) reasoned() *Error {
	if e == nil || e.ReasonCode != 0 {
		return e
	}
	if e.Code == CodeHookTimeout {
		return e.because(reasonTimeout)
	}
	return e.because(reasonThrown)
}
