package hooks

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync/atomic"

	"gaff/script"
)

// host answers what a script asks of the world. Its calls are made for the event's app, as that event's caller, one
// deeper than the event.
type host struct {
	runner   *Runner
	event    *Event
	caller   Caller
	journal  journal
	lines    hostLines
	park     func() (resume func()) // of the run
	limits   *Limits                // of the run
	caused   *host                  // the host of the script that has run this one; nil: an event has
	below    atomic.Int64           // calls of scripts that this one has run
	offended atomic.Bool            // it tried what is forbidden
}

var _ script.Host = (*host)(nil)

// Start notes a call of a host function, such as db.post with a path and a document, for the run's record, and returns
// what carries it out.
func (h *host) Start(name string, args []json.RawMessage) func(context.Context) (json.RawMessage, error) {
	if name == script.More {
		return func(ctx context.Context) (json.RawMessage, error) { return h.caller.More(ctx, args) }
	}
	end := h.top().journal.begin(name, args)
	if h.caused != nil && h.top().below.Add(1) > int64(cmp.Or(h.top().limits.Calls, maxCallsBelow)) {
		err := Errorf(CodeOverloaded, "%s: the scripts that this run has called have made as many calls as it may", name)
		end(nil, err)
		return func(context.Context) (json.RawMessage, error) { return nil, err }
	}
	return func(ctx context.Context) (json.RawMessage, error) {
		result, err := h.call(ctx, name, args, end)
		if end(result, err); forbidden(err) {
			h.top().offended.Store(true)
		}
		return result, err
	}
}

func (h *host) call(ctx context.Context, name string, args []json.RawMessage, end func(json.RawMessage, error)) (json.RawMessage, error) {
	if f := h.runner.Functions[name]; f != nil {
		caller := h.caller
		caller.end = end
		return f(ctx, &caller, args)
	}
	switch name {
	case "bridge.callScript":
		return h.callScript(ctx, args)
	case "bridge.callAPI":
		return h.callAPI(ctx, args)
	case "bridge.callMethod":
		return h.callMethod(ctx, args)
	}
	verb, found := strings.CutPrefix(name, "db.")
	if !found || h.runner.Collections == nil {
		return nil, Errorf(CodeNotFound, "%s is not available here", name)
	}
	call, err := h.collectionCall(strings.ToUpper(verb), args)
	if err != nil {
		return nil, err
	}
	reply, err := h.runner.Collections.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	return reply.Body, nil
}

// collectionCall reads the arguments of db: a path /rest/collection[/id][?q=…&h=…], then query and hint, or a document.
func (h *host) collectionCall(operation string, args []json.RawMessage) (CollectionCall, error) {
	call := CollectionCall{
		App: h.event.App, Operation: operation, Session: h.event.Session, Origin: Script, Depth: h.event.Depth + 1,
		Trace: h.event.Trace,
	}
	var path string
	if len(args) == 0 || json.Unmarshal(args[0], &path) != nil {
		return call, Errorf(CodeBadRequest, "the first argument must be a path such as /rest/customer")
	}
	u, err := url.Parse(path)
	if err != nil {
		return call, Errorf(CodeBadRequest, "%.100q is not a path such as /rest/customer", path)
	}
	rest, found := strings.CutPrefix(u.Path, "/rest/")
	if !found {
		return call, Errorf(CodeBadRequest, "%.100q does not begin with /rest/", path)
	}
	call.Collection, call.ID, _ = strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if call.ID == "*" {
		call.ID = ""
	}
	if err := call.ReadParameters(u.RawQuery); err != nil {
		return call, err
	}
	switch operation {
	case "GET":
		call.Query = objectArg(args, 1, call.Query)
		call.Hint = objectArg(args, 2, call.Hint)
	case "DELETE":
		if len(args) > 1 && len(args[1]) > 0 && args[1][0] == '[' { // ids; an object, as callers of old pass, says nothing
			call.Body = args[1]
		}
	default:
		if len(args) < 2 {
			return call, Errorf(CodeBadRequest, "the second argument must be the document")
		}
		call.Body = args[1]
	}
	for _, raw := range []json.RawMessage{call.Query, call.Hint, call.Body} {
		if raw == nil {
			continue
		}
		if err := CheckJSON(raw); err != nil {
			return call, err
		}
	}
	return call, nil
}

// objectArg is the i-th argument if it says anything.
func objectArg(args []json.RawMessage, i int, otherwise json.RawMessage) json.RawMessage {
	if i >= len(args) {
		return otherwise
	}
	switch string(args[i]) {
	case "", "null", "{}":
		return otherwise
	}
	return args[i]
}
