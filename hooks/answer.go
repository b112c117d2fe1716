package hooks

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/script"
)

type scriptResult = script.Result

// decide reads what a hook ended with: see [decideLast] if it is the last value of its script. Of what a function ended
// with before the call {data}, {query}, {hint}, {context}, {respond} change the call, {error}
// refuses it. Nothing else of an answer counts, and nothing that was changed in req without being handed back.
func decide(m *Match, e *Event, res *scriptResult) (Verdict, *Error) {
	switch {
	case m.Function == "":
		return decideLast(e, res)
	case e.Phase != Before:
		return decideAfter(e, res)
	}
	v := GoOn()
	v.Context = res.Context
	answer := &res.Answer
	if err := refusal(answer); err != nil {
		return v, err
	}
	known := 0
	for _, f := range answer.Fields {
		known++
		switch f.Name {
		case "data", "message":
			v.Message = f.Raw
		case "query":
			v.Query = f.Raw
		case "hint":
			v.Hint = withoutInjected(f.Raw)
		case "context":
			v.Context = f.Raw
		case "respond":
			v.Respond = respond(f.Raw)
		case "error": // an empty one, which says nothing
		default:
			known--
		}
	}
	switch {
	case answer.Status >= 200 && answer.Status < 400 && answer.Status != http.StatusOK:
		v.Respond = &Response{Status: answer.Status, Body: answer.Raw}
	case known == 0 && says(answer.Raw):
		v.Warnings = append(v.Warnings, "the answer has none of data, query, hint, context, respond and error, and was ignored")
	}
	return v, nil
}

// refusal returns the error with which an answer stops a call, or nil.
func refusal(answer *script.Answer) *Error {
	err := readError(gjson.ParseBytes(answer.Field("error")))
	if answer.Status < 400 {
		return err
	}
	if err == nil {
		err = rejected(answer.Text())
	}
	err.Status = answer.Status
	return err
}

// readError reads the forms in which scripts say no: a list of {field, message}, an object {statuscode, message,
// code}, a text. An empty one says nothing.
func readError(e gjson.Result) *Error {
	switch {
	case e.IsArray():
		return invalid(e.Array())
	case e.IsObject():
		err := rejected(e.Get("message").String())
		if code := e.Get("code"); code.Type == gjson.String && ValidName(code.Str) {
			err.Code = Code(code.Str)
		}
		for _, name := range []string{"statuscode", "statusCode", "status"} {
			if s := e.Get(name).Int(); s >= 400 && s <= 599 {
				err.Status = int(s)
			}
		}
		if fields := e.Get("fields"); fields.IsArray() {
			err.Fields = fieldErrors(fields.Array())
		}
		return err
	case e.Type == gjson.String && e.Str != "":
		return rejected(e.Str)
	case e.Type == gjson.True:
		return rejected("")
	}
	return nil
}

func rejected(message string) *Error {
	if message == "" || message == "null" {
		message = "the hook rejected the call"
	}
	err := Errorf(CodeRejected, "%s", message)
	err.Status = http.StatusBadRequest
	return err
}

// invalid is a list of what is wrong with a message; an empty list says that nothing is.
func invalid(list []gjson.Result) *Error {
	if len(list) == 0 {
		return nil
	}
	fields := fieldErrors(list)
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = strings.TrimPrefix(f.Field+": ", ": ") + f.Message
	}
	err := Errorf(CodeValidation, "%s", strings.Join(texts, "; "))
	err.Fields = fields
	return err
}

func fieldErrors(list []gjson.Result) []FieldError {
	fields := make([]FieldError, len(list))
	for i, item := range list {
		if item.IsObject() {
			fields[i] = FieldError{Field: item.Get("field").String(), Message: item.Get("message").String()}
		} else {
			fields[i] = FieldError{Message: item.String()}
		}
	}
	return fields
}

// respond reads an answer {status, body} given in place of the call.
func respond(raw []byte) *Response {
	r := gjson.ParseBytes(raw)
	status := int(r.Get("status").Int())
	if status < 200 || status > 599 {
		status = http.StatusOK
	}
	answer := &Response{Status: status}
	if body := r.Get("body"); body.Exists() {
		answer.Body = json.RawMessage(body.Raw)
	}
	return answer
}

// withoutInjected takes out of a hint what scripts see in it but the caller did not put there.
func withoutInjected(hint json.RawMessage) json.RawMessage {
	d, err := parseDocument(hint, "hint")
	if err != nil {
		return hint
	}
	return d.without("#headers", "#usersession").raw()
}

// describe is how a caller reads what a script threw: the message and where in the author's file. An error that came
// up through the hooks of a script's own call says already where it began.
func describe(err *script.Error) string {
	if err.File == "" || err.Line == 0 || strings.Contains(err.Message, "("+err.File+":") {
		return err.Message
	}
	return fmt.Sprintf("%s (%s:%d:%d)", err.Message, err.File, err.Line, err.Col)
}
