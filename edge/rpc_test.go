package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gaff/hooks"
)

func TestRPC(t *testing.T) {
	t.Parallel()
	sqlState := hooks.Errorf(hooks.CodeConflict, "taken")
	sqlState.Details = json.RawMessage(`{"sqlstate":"23505"}`)
	for _, c := range []struct {
		name, body string
		reply      hooks.Reply
		err        error
		status     int
		want       []string
	}{
		{"a call", `{"requestId":"r 1","service":"redis","method":"top","payload":{"args":[1]}}`,
			hooks.Reply{Status: 200, Body: json.RawMessage(`["a"]`)}, nil, 200, []string{`{"ok":true,"result":["a"],"requestId":"r 1","error":null}`}},
		{"no result", `{"service":"redis","method":"top"}`, hooks.Reply{Status: 200}, nil, 200, []string{`{"ok":true,"result":null,"requestId":"`}},
		{"an answer of a hook", `{"service":"redis","method":"top","requestId":null}`, hooks.Reply{Status: 202, Body: json.RawMessage(`1`)}, nil, 202, []string{`"result":1`}},
		{"an error", `{"requestId":"r","service":"redis","method":"top"}`, hooks.Reply{}, sqlState, 409,
			[]string{`{"ok":false,"error":{"status":409,"code":"CONFLICT","message":"taken","details":{"sqlstate":"23505"},"requestId":"`, `"requestId":"r"}`}},
		{"a field that is none", `{"service":"redis","metod":"top"}`, hooks.Reply{}, nil, 400, []string{`"ok":false`, "metod"}},
		{"no object", `[1]`, hooks.Reply{}, nil, 400, []string{`"ok":false`}},
		{"no text", `{"service":1}`, hooks.Reply{}, nil, 400, []string{`"ok":false`}},
		{"an id that cannot be printed", `{"requestId":"a\u0000"}`, hooks.Reply{}, nil, 400, []string{`"ok":false`}},
		{"an id that is too long", `{"requestId":"` + strings.Repeat("x", 300) + `"}`, hooks.Reply{}, nil, 400, []string{`"ok":false`}},
		{"a broken body", `{`, hooks.Reply{}, nil, 400, []string{`"ok":false,"error":{"status":400,"code":"BAD_REQUEST"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got hooks.MethodCall
			w := &world{carry: func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
				got = call
				return c.reply, c.err
			}}
			q := request{method: http.MethodPost, target: "/rpc", body: c.body, status: c.status}
			answer := q.run(t, newServer(t, w, nil).Handler())
			for _, part := range c.want {
				if !strings.Contains(answer.Body.String(), part) {
					t.Errorf("no %s in %s", part, answer.Body)
				}
			}
			if c.err == nil && c.status < 400 && (got.Service != "redis" || got.Method != "top" || got.RequestID != answer.Header().Get("X-Request-Id")) {
				t.Errorf("called %+v", got)
			}
		})
	}
}

func TestRPCWithoutKey(t *testing.T) {
	t.Parallel()
	q := request{method: http.MethodPost, target: "/rpc", body: `{"service":"redis","method":"top"}`, keyless: true, status: 401, code: hooks.CodeUnauthorized, has: `{"ok":false,"error":{"status":401`}
	q.run(t, newServer(t, &world{}, nil).Handler())
}
