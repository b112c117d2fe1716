package hooks

import "net/http"

// decideAfter reads what a function ended with once the call was made or has failed. While the caller waits, {data} or
// {result} replaces the result, and makes a success of a failure; {respond} is the whole answer; {error} replaces the
// error of a call that failed. After a call that succeeded {error} only says that the hook has failed: nothing is undone,
// and the hook's policy says whether the caller learns of it. If nobody waits, an answer changes nothing.
func decideAfter(e *Event, res *scriptResult) (Verdict, *Error) {
	v := GoOn()
	v.Context = res.Context
	answer := &res.Answer
	if err := refusal(answer); err != nil {
		if e.Phase == Failed && e.Asked {
			v.Status, v.Error = err.Status, err
			return v, nil
		}
		return v, err
	}
	known := false
	for _, f := range answer.Fields {
		switch f.Name {
		case "data", "result":
			v.Result = f.Raw
		case "context":
			v.Context = f.Raw
		case "respond":
			v.Respond = respond(f.Raw)
		case "error": // an empty one, which says nothing
		default:
			continue
		}
		known = true
	}
	if answer.Status > http.StatusOK && answer.Status < 400 {
		v.Respond = &Response{Status: answer.Status, Body: answer.Raw}
	}
	switch {
	case !e.Asked && (v.Result != nil || v.Respond != nil):
		v.Result, v.Respond = nil, nil
		v.Warnings = append(v.Warnings, "the answer changes nothing: nobody waits for a hook without sync: true")
	case e.Asked && !known && v.Respond == nil && says(answer.Raw):
		v.Warnings = append(v.Warnings, "the answer has none of data, result, context, respond and error, and was ignored")
	}
	return v, nil
}

// says reports whether an answer is one at all.
func says(raw []byte) bool { return raw != nil && string(raw) != "null" && string(raw) != "{}" }
