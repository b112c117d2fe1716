package edge

import (
	"strconv"
	"strings"

	"gaff/hooks"
)

// revision is what an ETag says, and what a change may ask for.
type revision struct {
	number uint64
	given  bool
}

// etag is the ETag of a revision.
func etag(number uint64) string { return `"` + strconv.FormatUint(number, 10) + `"` }

// ifMatch reads the header If-Match: an ETag that the server gave. Nothing, and *, match all.
func ifMatch(header string) (revision, error) {
	header = strings.TrimSpace(header)
	if header == "" || header == "*" {
		return revision{}, nil
	}
	inner, opened := strings.CutPrefix(header, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	n, err := strconv.ParseUint(inner, 10, 64)
	if !opened || !closed || err != nil {
		return revision{}, hooks.Errorf(hooks.CodeBadRequest, "If-Match takes one ETag, as the server gave it")
	}
	return revision{n, true}, nil
}

// audit records that the caller has made a change to its app.
func (s *Server) audit(x *exchange, app, action, from, to string) {
	if s.config.Recorder == nil {
		return
	}
	s.config.Recorder.Record(hooks.NewAuditRecord(app, hooks.Audit{Actor: x.caller.actor, Action: action, From: from, To: to}))
}
