package edge

import (
	"strings"
	"testing"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, sent string
		prefix             string // of what is answered; empty: one that the server made
		exact              bool
	}{
		{name: "none", method: "GET"},
		{name: "read", method: "GET", sent: "abc-1", prefix: "abc-1", exact: true},
		{name: "write", method: "DELETE", sent: "abc-1", prefix: "abc-1."},
		{name: "unsafe", method: "GET", sent: "a b"},
		{name: "too long", method: "GET", sent: strings.Repeat("x", maxRequestID+1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			h := newServer(t, w, nil).Handler()
			ids := map[string]bool{}
			for range 2 {
				q := request{method: c.method, target: "/rest/a/b", status: 200, header: map[string]string{"X-Request-Id": c.sent}}
				id := q.run(t, h).Header().Get("X-Request-Id")
				ids[id] = true
				switch {
				case c.exact && id != c.prefix, !strings.HasPrefix(id, c.prefix), !validRequestID(id):
					t.Errorf("sent %q, got %q", c.sent, id)
				case c.prefix == "" && len(id) != 24:
					t.Errorf("sent %q, got %q, which is not one of the server's", c.sent, id)
				}
			}
			if !c.exact && len(ids) != 2 {
				t.Errorf("two writes have the event id %v", ids)
			}
			if w.calls[0].RequestID == "" || !ids[w.calls[0].RequestID] {
				t.Errorf("event id %q is none of %v", w.calls[0].RequestID, ids)
			}
		})
	}
}
