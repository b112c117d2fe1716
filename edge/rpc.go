package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"unicode"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Caller has method calls carried out.
type Caller interface {
	Call(ctx context.Context, call hooks.MethodCall) (hooks.Reply, error)
}

// envelope is how /rpc answers errors: what all routes say, and beside it the fields that its callers look for.
type envelope struct {
	OK        bool        `json:"ok"`
	Error     errorFields `json:"error"`
	RequestID string      `json:"requestId"`
}

// rpc answers a call of a method.
func (s *Server) rpc(x *exchange) error {
	if _, err := parseParams(x.r.URL.RawQuery); err != nil {
		return err
	}
	body, err := x.json(maxBody)
	if err != nil {
		return err
	}
	call := hooks.MethodCall{RequestID: x.id, App: x.caller.app, Origin: x.caller.origin, Depth: x.depth, Trace: x.trace}
	if err := x.readCall(body, &call); err != nil {
		return err
	}
	if call.Session, err = s.session(x); err != nil {
		return err
	}
	call.Headers = x.caller.headers(x.r)
	reply, err := s.config.Calls.Call(x.r.Context(), call)
	if err != nil {
		return err
	}
	if reply.Status < 200 || reply.Status > 599 { // a script may answer with any number
		return hooks.Errorf(hooks.CodeHookError, "%d is not an HTTP status to answer with", reply.Status)
	}
	x.warn(reply.Warnings)
	x.decided(reply.Release)
	return x.send(reply.Status, x.envelop(reply.Body))
}

// maxCallID is how many bytes the id may have that a caller gives a call.
const maxCallID = 256

// readCall reads {requestId, service, method, payload}. A field that is none of them is an error: it is more likely
// misspelt than meant for nobody.
func (x *exchange) readCall(body []byte, call *hooks.MethodCall) error {
	root := gjson.ParseBytes(body)
	if !root.IsObject() {
		return hooks.Errorf(hooks.CodeBadRequest, "the body must be an object with service, method and payload")
	}
	var bad error
	root.ForEach(func(k, v gjson.Result) bool {
		switch name := k.String(); name {
		case "requestId":
			if v.Type == gjson.Null {
				break
			}
			if bad = text(&x.echo, name, v); bad == nil && !printable(x.echo) {
				x.echo = ""
				bad = hooks.Errorf(hooks.CodeBadRequest, "field %q has at most %d characters that can be printed", name, maxCallID)
			}
		case "service":
			bad = text(&call.Service, name, v)
		case "method":
			bad = text(&call.Method, name, v)
		case "payload":
			call.Payload = json.RawMessage(v.Raw)
		default:
			bad = hooks.Errorf(hooks.CodeBadRequest, "field %.40q is not one of a call: they are requestId, service, method, payload", name)
		}
		return bad == nil
	})
	return bad
}

func printable(id string) bool {
	for _, r := range id {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return len(id) <= maxCallID
}

// envelop is the body of an answer that is a result.
func (x *exchange) envelop(result json.RawMessage) []byte {
	out := append(make([]byte, 0, len(result)+96), `{"ok":true,"result":`...)
	if result == nil {
		result = json.RawMessage("null")
	}
	out = append(append(out, result...), `,"requestId":`...)
	return append(appendString(out, x.callID()), `,"error":null}`...)
}

// callID is the id that the caller of a method has given, else that of the request.
func (x *exchange) callID() string {
	if x.echo != "" {
		return x.echo
	}
	return x.id
}

// rpcRoute is where methods are called. Its errors have the fields of its answers.
func (s *Server) rpcRoute() route {
	return route{
		pattern: "/rpc", scopes: []hooks.Scope{hooks.ScopeRPC}, enveloped: true, once: true,
		methods: map[string]handler{http.MethodPost: s.rpc},
	}
}
