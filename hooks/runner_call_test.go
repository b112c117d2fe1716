package hooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gaff/hooks"
)

// benchCall is a call on documents: method and path as over HTTP.
type benchCall struct {
	Method, Path  string
	Body, Session json.RawMessage
}

// call makes the call, runs what its events start, and tells the reply.
func (b *bench) call(t *testing.T, c *benchCall) string {
	t.Helper()
	path, query, _ := strings.Cut(strings.TrimPrefix(c.Path, "/rest/"), "?")
	call := hooks.CollectionCall{App: "default", Operation: c.Method, Body: c.Body, Session: c.Session}
	call.Collection, call.ID, _ = strings.Cut(path, "/")
	if call.ID == "*" {
		call.ID = ""
	}
	var reply hooks.Reply
	err := call.ReadParameters(query)
	if err == nil {
		reply, err = b.runner.Collections.Do(t.Context(), call)
	}
	var out strings.Builder
	if err != nil {
		e := hooks.AsError(err)
		fmt.Fprintf(&out, "%d %s: %s", e.Status, e.Code, e.Message)
		reply.Warnings = e.Warnings
	} else {
		fmt.Fprintf(&out, "%d %s", reply.Status, reply.Body)
	}
	out.WriteByte('\n')
	for _, w := range reply.Warnings {
		fmt.Fprintf(&out, "  warning %s\n", w)
	}
	b.relay(t)
	return unlike.ReplaceAllString(out.String(), `"$1":"*"`)
}

// unlike are the fields that differ from run to run.
var unlike = regexp.MustCompile(`"(_created|_changed)":"[^"]*"`)

// relay runs the events that were committed, as from the stream.
func (b *bench) relay(t *testing.T) {
	for {
		n, _, err := b.outbox.Take(t.Context(), 100, func(ctx context.Context, events []*hooks.Event) []error {
			for _, e := range events {
				b.runner.Handle(ctx, e)
			}
			return make([]error, len(events))
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}
