package edge

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"gaff/hooks"
)

// rest answers a call on documents.
func (s *Server) rest(x *exchange) error {
	call := hooks.CollectionCall{
		RequestID:  x.id,
		App:        x.caller.app,
		Collection: x.r.PathValue("collection"),
		Operation:  x.method,
		ID:         x.r.PathValue("id"),
		Origin:     x.caller.origin,
		Depth:      x.depth,
		Trace:      x.trace,
	}
	if err := x.caller.allowed(&route{scopes: collectionScopes(call.Collection)}); err != nil {
		return err
	}
	if err := checkPath(&call); err != nil {
		return err
	}
	var err error
	if err := call.ReadParameters(x.r.URL.RawQuery); err != nil {
		return err
	}
	if takesBody(x, &call) {
		if call.Body, err = x.json(maxBody); err != nil {
			return err
		}
	}
	if call.Session, err = s.session(x); err != nil {
		return err
	}
	call.Headers = x.caller.headers(x.r)
	reply, err := s.config.Collections.Do(x.r.Context(), call)
	if err != nil {
		return err
	}
	if reply.Status < 200 || reply.Status > 599 { // a script may answer with any number
		return hooks.Errorf(hooks.CodeHookError, "%d is not an HTTP status to answer with", reply.Status)
	}
	if call.Collection == hooks.SystemJobsCollection && call.Operation != http.MethodGet {
		s.audit(x, call.App, "system-jobs-"+strings.ToLower(call.Operation), "", number(reply.Release))
	}
	x.warn(reply.Warnings)
	x.decided(reply.Release)
	return x.send(reply.Status, reply.Body)
}

// collectionScopes are those of which a key needs one for calls on a collection. System_jobs has code that will run, and
// System_log what has run.
func collectionScopes(collection string) []hooks.Scope {
	switch collection {
	case hooks.SystemJobsCollection:
		return []hooks.Scope{hooks.ScopeAdmin}
	case hooks.SystemLogCollection:
		return []hooks.Scope{hooks.ScopeLog, hooks.ScopeAdmin}
	}
	return []hooks.Scope{hooks.ScopeData}
}

const maxID = 256 // bytes

// checkPath refuses names and ids that no collection and no document has.
func checkPath(call *hooks.CollectionCall) error {
	if err := hooks.CheckName("collection", call.Collection); err != nil {
		return err
	}
	if len(call.ID) > maxID || !utf8.ValidString(call.ID) || strings.ContainsFunc(call.ID, unicode.IsControl) {
		return hooks.Errorf(hooks.CodeBadRequest, "a document's id has at most %d bytes of UTF-8, without control characters", maxID)
	}
	return nil
}

// takesBody reports whether the call has a document, or several, or, to delete many, a list of ids.
func takesBody(x *exchange, call *hooks.CollectionCall) bool {
	switch call.Operation {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		return true
	case http.MethodDelete:
		return call.ID == "" && x.r.ContentLength != 0
	}
	return false
}
