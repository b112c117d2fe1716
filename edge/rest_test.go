package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"gaff/hooks"
)

func TestRestCalls(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request
		want hooks.CollectionCall
	}{
		{request{target: "/rest/customer"}, hooks.CollectionCall{Operation: "GET"}},
		{request{target: "/rest/customer/"}, hooks.CollectionCall{Operation: "GET"}},
		{request{method: "HEAD", target: "/rest/customer/a1"}, hooks.CollectionCall{Operation: "GET", ID: "a1"}},
		{request{target: "/rest/customer/a%2Fb%20c"}, hooks.CollectionCall{Operation: "GET", ID: "a/b c"}},
		{request{target: `/rest/customer?q={"a":1}&max=5&skip=2&sort=name&dir=-1`}, hooks.CollectionCall{
			Operation: "GET", Query: []byte(`{"a":1}`), Hint: []byte(`{"$skip":2,"$max":5,"$orderby":{"name":-1}}`)}},
		{request{target: `/rest/customer?h={"$max":3}&sort=x`}, hooks.CollectionCall{
			Operation: "GET", Hint: []byte(`{"$max":3,"$orderby":{"x":1}}`)}},
		{request{target: `/rest/customer/a?h={"$fields":{"a":1}}`}, hooks.CollectionCall{
			Operation: "GET", ID: "a", Hint: []byte(`{"$fields":{"a":1}}`)}},
		{request{method: "POST", target: "/rest/customer", body: `{"a":1}`}, hooks.CollectionCall{Operation: "POST", Body: []byte(`{"a":1}`)}},
		{request{method: "PUT", target: "/rest/customer/a", body: `{"a":1}`}, hooks.CollectionCall{Operation: "PUT", ID: "a", Body: []byte(`{"a":1}`)}},
		{request{method: "PATCH", target: "/rest/customer/a", body: ` {} `}, hooks.CollectionCall{Operation: "PATCH", ID: "a", Body: []byte(` {} `)}},
		{request{method: "DELETE", target: "/rest/customer/a"}, hooks.CollectionCall{Operation: "DELETE", ID: "a"}},
		{request{method: "DELETE", target: `/rest/customer/*?q={"a":1}`}, hooks.CollectionCall{Operation: "DELETE", Query: []byte(`{"a":1}`)}},
		{request{method: "DELETE", target: "/rest/customer/*", body: `["a","b"]`}, hooks.CollectionCall{Operation: "DELETE", Body: []byte(`["a","b"]`)}},
		{request{method: "DELETE", target: "/rest/customer/a", body: `["b"]`}, hooks.CollectionCall{Operation: "DELETE", ID: "a"}},
		{request{method: "POST", target: "/rest/customer?validate=false", body: `[{"a":1}]`}, hooks.CollectionCall{Operation: "POST", Body: []byte(`[{"a":1}]`)}},
		{request{target: "/rest/customer?filter=a&totals=true&groupby=b&aggregate=SUM:c&aggregate=COUNT:d"}, hooks.CollectionCall{
			Operation: "GET", Hint: []byte(`{"$groupby":["b"],"$aggregate":["SUM:c","COUNT:d"],"$filter":"a","$totals":true}`)}},
		{request{target: "/rest/customer/a?metafields=true&flatten=true"}, hooks.CollectionCall{
			Operation: "GET", ID: "a", Hint: []byte(`{"$metafields":true,"$flatten":true}`)}},
		{request{method: "POST", target: "/rest/customer/*", body: `["a"]`, header: map[string]string{"X-HTTP-Method-Override": "DELETE"}},
			hooks.CollectionCall{Operation: "DELETE", Body: []byte(`["a"]`)}},
		{request{method: "POST", target: "/rest/customer/a", body: `{"$inc":{"n":1}}`, header: map[string]string{"X-HTTP-Method-Override": "PATCH"}},
			hooks.CollectionCall{Operation: "PATCH", ID: "a", Body: []byte(`{"$inc":{"n":1}}`)}},
		{request{method: "POST", target: "/rest/customer/a", header: map[string]string{"X-HTTP-Method-Override": "delete"}},
			hooks.CollectionCall{Operation: "DELETE", ID: "a"}},
	} {
		t.Run(c.method+c.target, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			c.status = http.StatusOK
			answer := c.run(t, newServer(t, w, nil).Handler())
			got := w.call(t)
			if got.App != "default" || got.Collection != "customer" || got.Operation != c.want.Operation || got.ID != c.want.ID ||
				string(got.Query) != string(c.want.Query) || string(got.Hint) != string(c.want.Hint) || string(got.Body) != string(c.want.Body) {
				t.Errorf("call %+v\nwant %+v", got, c.want)
			}
			if got.RequestID != answer.Header().Get("X-Request-Id") {
				t.Errorf("the event's id is %q, the answer's %q", got.RequestID, answer.Header().Get("X-Request-Id"))
			}
		})
	}
}

func TestRestRefuses(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	header := func(name, value string) map[string]string { return map[string]string{name: value} }
	deep := strings.Repeat("[", hooks.MaxDepth+1) + strings.Repeat("]", hooks.MaxDepth+1)
	for _, q := range []request{
		{target: "/rest/a.b", status: 400, code: hooks.CodeBadName},
		{target: "/rest/" + strings.Repeat("a", 65), status: 400, code: hooks.CodeBadName},
		{target: "/rest/a/" + strings.Repeat("x", maxID+1), status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a/%00", status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a/%ff", status: 400, code: hooks.CodeBadRequest},
		{target: "/rest//a", status: 404, code: hooks.CodeNotFound},
		{target: "/rest/a/../b", status: 404, code: hooks.CodeNotFound},
		{target: "/rest", status: 404, code: hooks.CodeNotFound},
		{target: "/rest/a/b/c", status: 404, code: hooks.CodeNotFound},
		{target: "/nothing", status: 404, code: hooks.CodeNotFound},
		{method: "PUT", target: "/rest/a", status: 405, code: hooks.CodeBadRequest, has: "use GET, HEAD, POST"},
		{method: "POST", target: "/rest/a/b", status: 405, code: hooks.CodeBadRequest},
		{method: "TRACE", target: "/rest/a", status: 405, code: hooks.CodeBadRequest},
		{method: "POST", target: "/rest/a", status: 400, code: hooks.CodeBadRequest, has: "empty"},
		{method: "POST", target: "/rest/a", body: `{"a":`, status: 400, code: hooks.CodeBadRequest, has: "1:6"},
		{method: "POST", target: "/rest/a", body: "{\n  \"a\": tru }", status: 400, code: hooks.CodeBadRequest, has: "at 2:"},
		{method: "POST", target: "/rest/a", body: "{} {}", status: 400, code: hooks.CodeBadRequest},
		{method: "POST", target: "/rest/a", body: "\"\xff\"", status: 400, code: hooks.CodeBadRequest, has: "UTF-8"},
		{method: "POST", target: "/rest/a", body: deep, status: 413, code: hooks.CodeTooLarge},
		{method: "POST", target: "/rest/a", body: `"` + strings.Repeat("x", maxBody) + `"`, status: 413, code: hooks.CodeTooLarge},
		{method: "POST", target: "/rest/a", body: "a=1", header: header("Content-Type", form), status: 400, code: hooks.CodeBadRequest, has: "curl"},
		{method: "POST", target: "/rest/a", body: "{}", header: header("Content-Type", "text/xml"), status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a?q=1", status: 400, code: hooks.CodeBadRequest, has: "a JSON object"},
		{target: "/rest/a?q={", status: 400, code: hooks.CodeBadRequest, has: "parameter q"},
		{target: "/rest/a?q={}&q={}", status: 400, code: hooks.CodeBadRequest, has: "twice"},
		{target: "/rest/a?x=1", status: 400, code: hooks.CodeBadRequest, has: "not one of"},
		{target: "/rest/a/b?max=1", status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a?max=-1", status: 400, code: hooks.CodeBadRequest, has: "whole number"},
		{target: "/rest/a?dir=up", status: 400, code: hooks.CodeBadRequest, has: "ascending"},
		{target: `/rest/a?h={"$max":1}&max=2`, status: 400, code: hooks.CodeBadRequest, has: "twice"},
		{target: `/rest/a?h={"%23usersession":{}}`, status: 400, code: hooks.CodeBadRequest, has: "only the server"},
		{target: "/rest/a?fetchmediadata=true", status: 400, code: hooks.CodeBadRequest, has: "media"},
		{method: "DELETE", target: "/rest/a/*", body: "[", status: 400, code: hooks.CodeBadRequest, has: "1:2"},
		{target: "/rest/a?apikey=k", status: 400, code: hooks.CodeBadRequest, has: "x-apikey"},
		{target: "/rest/a?q=%zz", status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a", header: header("Gaff-Deadline", "0"), status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a", header: header("Gaff-Deadline", "soon"), status: 400, code: hooks.CodeBadRequest},
		{target: "/rest/a", header: header("Gaff-App", "a.b"), status: 400, code: hooks.CodeBadName},
		{target: "/rest/a", header: header("Gaff-Origin", "moon"), status: 400, code: hooks.CodeBadRequest},
	} {
		t.Run(q.method+q.target, func(t *testing.T) {
			t.Parallel()
			w := &world{}
			answer := q.run(t, newServer(t, w, nil).Handler())
			if len(w.calls) > 0 {
				t.Errorf("the call was made: %+v", w.calls[0])
			}
			if q.status == http.StatusMethodNotAllowed && answer.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
}

func TestRestAnswers(t *testing.T) {
	t.Parallel()
	rejected := hooks.Errorf("REJECTED", "no")
	rejected.Status, rejected.Hook, rejected.Fields = 403, "customer.beforePOST", []hooks.FieldError{{Field: "a", Message: "b"}}
	for _, c := range []struct {
		request
		reply hooks.Reply
		err   error
	}{
		{request: request{name: "created", status: 201, has: `{"a":1}`}, reply: hooks.Reply{Status: 201, Body: []byte(`{"a":1}`)}},
		{request: request{name: "no content", status: 204}, reply: hooks.Reply{Status: 204, Body: []byte(`{}`)}},
		{request: request{name: "rejected", status: 403, code: "REJECTED", has: `"hook":"customer.beforePOST","fields":[{"field":"a","message":"b"}]`}, err: rejected},
		{request: request{name: "a reason", status: 402, code: "REJECTED", has: `"reason_code":40001,"status_message":"pay"`}, err: &hooks.Error{Status: 402, Code: "REJECTED", Message: "pay", ReasonCode: 40001, StatusMessage: "pay"}},
		{request: request{name: "a reason without a status of HTTP", status: 500, code: "REJECTED", has: `"reason_code":40001`}, err: &hooks.Error{Status: 202, Code: "REJECTED", Message: "no", ReasonCode: 40001, StatusMessage: "no"}},
		{request: request{name: "a status that is none", status: 500, code: hooks.CodeHookError}, reply: hooks.Reply{Status: 7}},
		{request: request{name: "an error with another", status: 500, code: "ODD"}, err: &hooks.Error{Status: 99, Code: "ODD", Message: "odd"}},
		{request: request{name: "a foreign error", status: 503, code: hooks.CodeUnavailable}, err: errors.New("the password is 1234")},
		{request: request{name: "late", status: 504, code: hooks.CodeHookTimeout}, err: context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &world{do: func(context.Context, hooks.CollectionCall) (hooks.Reply, error) { return c.reply, c.err }}
			c.target = "/rest/a"
			answer := c.run(t, newServer(t, w, nil).Handler())
			if strings.Contains(answer.Body.String(), "the password") {
				t.Error("the answer tells what is for the log")
			}
		})
	}
}

func TestRestPanicIsAnswered(t *testing.T) {
	t.Parallel()
	w := &world{do: func(context.Context, hooks.CollectionCall) (hooks.Reply, error) { panic("private") }}
	q := request{target: "/rest/a", status: 500, code: hooks.CodeUnavailable}
	if body := q.run(t, newServer(t, w, nil).Handler()).Body.String(); strings.Contains(body, "private") {
		t.Error(body)
	}
}

func TestRestWarningsAreOneLineOfASCII(t *testing.T) {
	t.Parallel()
	w := &world{do: func(context.Context, hooks.CollectionCall) (hooks.Reply, error) {
		return hooks.Reply{Status: 200, Body: []byte(`{}`), Release: 6, Warnings: append([]string{"a\r\nSet-Cookie: b\u00e5"}, make([]string, 50)...)}, nil
	}}
	q := request{target: "/rest/a", status: 200}
	header := q.run(t, newServer(t, w, nil).Handler()).Header()
	got := header["Gaff-Warning"]
	if header.Get("Gaff-Release") != "6" {
		t.Errorf("Gaff-Release %q", header.Get("Gaff-Release"))
	}
	if len(got) != maxWarnings || got[0] != "a  Set-Cookie: b?" {
		t.Errorf("%d warnings, the first %q", len(got), got[0])
	}
}

func TestScriptsSeeHeadersButNotTheAdminKey(t *testing.T) {
	t.Parallel()
	w := &world{}
	q := request{target: "/rest/a", status: 200, header: map[string]string{
		"X-Apikey": "the-users", "Authorization": "Bearer " + adminKey, "X-Odd": "\u00e5\"", "Cookie": "k=" + adminKey,
	}}
	q.header["X-Odd-Key"] = w.key("shop", nil, hooks.ScopeAdmin)
	q.header["X-Api-Key"] = q.header["X-Odd-Key"]
	q.run(t, newServer(t, w, nil).Handler())
	if got, want := string(w.call(t).Headers), `{"host":"localhost:8090","x-apikey":"the-users","x-odd":"å\""}`; got != want {
		t.Errorf("headers %s\nwant    %s", got, want)
	}
}
