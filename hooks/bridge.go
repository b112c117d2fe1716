package hooks

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"gaff/script"
)

// maxCallsBelow is how many calls the scripts may make together that one run calls, if its limits do not say.
const maxCallsBelow = 1000

// bridgeResult is what calls give that scripts make with bridge.
type bridgeResult struct {
	Status  int             `json:"status"`
	Data    json.RawMessage `json:"data"`
	Reason  int             `json:"reason_code,omitempty"`
	Message string          `json:"status_message,omitempty"`
}

func (r bridgeResult) raw() (json.RawMessage, error) {
	if r.Data == nil {
		r.Data = json.RawMessage("null")
	}
	return json.Marshal(r)
}

// top is the host of the run that an event has started; its record is that of all that it runs.
func (h *host) top() *host {
	for h.caused != nil {
		h = h.caused
	}
	return h
}

// callScript is bridge.callScript(from, name, data): it runs another script of the release, whose path is relative to from,
// or to the root of the project without it. The script has this run's deadline, session and record; it runs one deeper.
func (h *host) callScript(ctx context.Context, args []json.RawMessage) (json.RawMessage, error) {
	var from, name string
	if len(args) < 3 || json.Unmarshal(args[0], &from) != nil || json.Unmarshal(args[1], &name) != nil {
		return nil, Errorf(CodeBadRequest, "callScript takes the name of a script and its data")
	}
	file, err := h.resolveScript(from, name)
	if err != nil {
		return nil, err
	}
	program, failed := h.caller.Table.programs.script(file)
	switch {
	case failed != nil:
		return nil, Errorf(CodeHookError, "%s", failed).because(reasonParsing)
	case !program.LastValue():
		return nil, Errorf(CodeHookError, "%s has no last value that could be its answer", file).because(reasonScriptError)
	case h.event.Depth+1 > maxCallDepth:
		return nil, Errorf(CodeHookError, "scripts have called each other %d deep at %s: is this a loop?", h.event.Depth+1, file).
			because(reasonThrown)
	}
	deeper := *h.event
	deeper.Depth++
	below := &host{runner: h.runner, event: &deeper, caller: h.caller, caused: h}
	below.caller.Event = &deeper
	call := below.scriptCall(args[2])
	call.Deadline, _ = ctx.Deadline()
	if most := trailerTime(h.caller.Table.Release.Files[file]); most > 0 && time.Now().Add(most).Before(call.Deadline) {
		call.Deadline = time.Now().Add(most)
	}
	res := h.runner.Engine.Run(ctx, program, call)
	for _, l := range res.Log {
		h.caller.lines.add(LogLine{Level: l.Level, Time: l.Time, Text: l.Text})
	}
	return scriptResponse(&res).raw()
}

// resolveScript finds the script that a name in the file from means.
func (h *host) resolveScript(from, name string) (string, error) {
	if from != "" && !path.IsAbs(name) {
		name = path.Join(path.Dir(from), name)
	}
	file, ok := h.caller.Table.Release.FindScript(name)
	if !ok || strings.HasPrefix(name, "../") {
		return "", Errorf(CodeNotFound, "there is no script %.200s", name).because(reasonMissingScript)
	}
	return file, nil
}

// scriptCall is a run of a script that sees data, as part of this one.
func (h *host) scriptCall(data json.RawMessage) *script.Call {
	e := h.event
	return &script.Call{
		Mode: script.React,
		Data: data,
		Request: script.Request{
			Session: e.Session, Headers: e.Headers,
			Event: script.EventInfo{
				ID: e.ID, App: e.App, Service: e.Service, Operation: e.Operation, Phase: string(e.Phase),
				Origin: string(e.Origin), Depth: e.Depth, Release: h.caller.Table.Release.Number,
			},
		},
		Settings: h.caller.Table.Settings,
		Host:     h,
		Park:     h.top().park,
		Memory:   h.top().limits.Memory, LogBytes: h.top().limits.Log, Calls: h.top().limits.Calls,
	}
}

// scriptResponse is how the script that called another sees how that ended.
func scriptResponse(res *script.Result) bridgeResult {
	type response struct {
		Response json.RawMessage `json:"response"`
		Success  bool            `json:"success"`
	}
	if res.Err == nil {
		value := res.Answer.Raw
		if value == nil {
			value = json.RawMessage("null")
		}
		return bridgeResult{Status: http.StatusOK, Data: mustMarshal(response{value, true})}
	}
	failed := bridgeResult{
		Status: http.StatusInternalServerError, Reason: reasonThrown, Message: describe(res.Err),
		Data: mustMarshal(response{json.RawMessage("null"), false}),
	}
	if res.Err.Kind == script.TimedOut {
		failed.Reason = reasonTimeout
	}
	return failed
}

// callAPI is bridge.callAPI(service, operation, data, session): a call on a collection if the operation is a verb, of a
// method otherwise. It gives what the API answers; status 200 stands for every success.
func (h *host) callAPI(ctx context.Context, args []json.RawMessage) (json.RawMessage, error) {
	service, operation, err := twoNames(args)
	if err != nil {
		return nil, err
	}
	data, as := argument(args, 2), h.as(argument(args, 3))
	if !isVerb(operation) {
		return as.method(ctx, service, operation, data)
	}
	if h.runner.Collections == nil {
		return nil, Errorf(CodeNotFound, "%s %s is not available here", operation, service)
	}
	reply, err := h.runner.Collections.Do(ctx, as.verbCall(service, operation, data))
	if err != nil {
		return nil, err
	}
	return successful(reply)
}

func successful(reply Reply) (json.RawMessage, error) {
	if reply.Status >= 200 && reply.Status < 300 {
		reply.Status = http.StatusOK
	}
	return bridgeResult{Status: reply.Status, Data: reply.Body}.raw()
}

// verbCall is a call on a collection: _id in data says which document, query and hint which of them; what else a POST, PUT
// or PATCH has is the document.
func (h *host) verbCall(collection, operation string, data json.RawMessage) CollectionCall {
	call := CollectionCall{
		App: h.event.App, Operation: operation, Collection: collection, Session: h.event.Session, Origin: Script,
		Depth: h.event.Depth + 1, Trace: h.event.Trace,
	}
	if operation != "POST" {
		call.ID = gjson.GetBytes(data, "_id").String()
	}
	if operation != "GET" && operation != "DELETE" {
		call.Body = data
		return call
	}
	call.Query = objectArg([]json.RawMessage{json.RawMessage(gjson.GetBytes(data, "query").Raw)}, 0, nil)
	call.Hint = objectArg([]json.RawMessage{json.RawMessage(gjson.GetBytes(data, "hint").Raw)}, 0, nil)
	return call
}

// callMethod is bridge.callMethod(service, method, args, session): a method by position, of a service whose proxy was asked
// for by a name that begins with a capital letter.
func (h *host) callMethod(ctx context.Context, args []json.RawMessage) (json.RawMessage, error) {
	service, method, err := twoNames(args)
	if err != nil {
		return nil, err
	}
	if t := h.caller.Table; !t.services[service] && t.Method(service, method) == nil {
		first, size := utf8.DecodeRuneInString(service)
		service = string(unicode.ToLower(first)) + service[size:]
	}
	payload := mustMarshal(map[string]json.RawMessage{"args": argument(args, 2)})
	return h.as(argument(args, 3)).method(ctx, service, method, payload)
}

// method calls a method of a service.
func (h *host) method(ctx context.Context, service, method string, payload json.RawMessage) (json.RawMessage, error) {
	call := h.runner.Functions["rpc.call"]
	if call == nil {
		return nil, Errorf(CodeNotFound, "%s %s is not available here", service, method)
	}
	if payload == nil {
		payload = json.RawMessage("{}")
	}
	result, err := call(ctx, &h.caller, []json.RawMessage{appendString(nil, service), appendString(nil, method), payload})
	if err != nil {
		return nil, err
	}
	return bridgeResult{Status: http.StatusOK, Data: result}.raw()
}

// as is the host for calls in another session, h itself if there is none.
func (h *host) as(session json.RawMessage) *host {
	if !gjson.ParseBytes(session).IsObject() {
		return h
	}
	e := *h.event
	e.Session = session
	other := &host{runner: h.runner, event: &e, caller: h.caller, caused: h}
	other.caller.Event = &e
	return other
}

func twoNames(args []json.RawMessage) (service, operation string, err error) {
	if len(args) < 2 || json.Unmarshal(args[0], &service) != nil || json.Unmarshal(args[1], &operation) != nil {
		return "", "", Errorf(CodeBadRequest, "a call takes a service, an operation and data")
	}
	if err := CheckName("service", service); err != nil {
		return "", "", err
	}
	return service, operation, CheckName("operation", operation)
}

// argument is the i-th argument, nil if it is not there or null.
func argument(args []json.RawMessage, i int) json.RawMessage {
	if i >= len(args) || string(args[i]) == "null" {
		return nil
	}
	return args[i]
}
