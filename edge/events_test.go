package edge

import (
	"testing"

	"gaff/hooks"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	for _, q := range []request{
		{name: "asked", body: `{"service":"customer","operation":"POST","message":{"a":1}}`, status: 200, has: `{"status":403`},
		{name: "told", body: `{"id":"e1","service":"customer","operation":"POST","phase":"after"}`, status: 202, has: `"id":"e1"`},
		{name: "no service", body: `{"operation":"POST"}`, status: 400, code: hooks.CodeBadName},
		{name: "bad app", body: `{"app":"a.b","service":"a","operation":"b"}`, status: 400, code: hooks.CodeBadName},
		{name: "bad phase", body: `{"service":"a","operation":"b","phase":"tick"}`, status: 400, code: hooks.CodeBadRequest},
		{name: "bad id", body: `{"service":"a","operation":"b","id":"a b"}`, status: 400, code: hooks.CodeBadRequest},
		{name: "bad origin", body: `{"service":"a","operation":"b","origin":"moon"}`, status: 400, code: hooks.CodeBadRequest},
		{name: "misspelt", body: `{"service":"a","operation":"b","mesage":1}`, status: 400, code: hooks.CodeBadRequest, has: "mesage"},
		{name: "wrong type", body: `{"service":1,"operation":"b"}`, status: 400, code: hooks.CodeBadRequest},
		{name: "a list", body: `[]`, status: 400, code: hooks.CodeBadRequest},
		{name: "no JSON", body: `{`, status: 400, code: hooks.CodeBadRequest},
		{name: "a parameter", target: "/v1/events?a=1", body: `{}`, status: 400},
	} {
		t.Run(q.name, func(t *testing.T) {
			t.Parallel()
			w := &world{verdict: hooks.Stop(&hooks.Error{Status: 403, Code: "REJECTED", Message: "no"})}
			q.method = "POST"
			if q.target == "" {
				q.target = "/v1/events"
			}
			answer := q.run(t, newServer(t, w, nil).Handler())
			for _, e := range append(w.asked, w.told...) {
				if e.ID != answer.Header().Get("X-Request-Id") || e.App != "default" || e.Origin != hooks.Client {
					t.Errorf("event %+v with header %v", e, answer.Header())
				}
			}
			if got, want := len(w.asked)+len(w.told), map[bool]int{true: 1}[q.status < 300]; got != want {
				t.Errorf("%d events, want %d", got, want)
			}
		})
	}
}

func TestEventOfAnotherApp(t *testing.T) {
	t.Parallel()
	w := &world{verdict: hooks.GoOn()}
	h := newServer(t, w, nil).Handler()
	body := `{"app":"shop","service":"a","operation":"b"}`
	ok := request{method: "POST", target: "/v1/events", body: body, status: 200}
	ok.run(t, h)
	if w.asked[0].App != "shop" {
		t.Errorf("app %q", w.asked[0].App)
	}
	bad := request{method: "POST", target: "/v1/events", body: body, header: map[string]string{"Gaff-App": "other"}, status: 400, code: hooks.CodeBadRequest}
	bad.run(t, h)
}

// An event that has sync hooks is told to the others, and answered with the verdict of these.
func TestEventsWithSyncHooks(t *testing.T) {
	t.Parallel()
	w := &world{verdict: hooks.Verdict{Status: 200, Result: []byte(`{"n":2}`), Release: 1}}
	w.tables.Set(hooks.NewTable(&hooks.Release{App: hooks.DefaultApp, Number: 1, Hooks: []hooks.Hook{
		{Name: "a", Service: "Event", Operation: "send", Phase: hooks.After, Functions: []string{"after"}, Sync: true, Origins: []hooks.Origin{hooks.Client}},
		{Name: "b", Service: "Event", Operation: "send", Phase: hooks.Failed, Functions: []string{"failed"}, Origins: []hooks.Origin{hooks.Client}},
	}}))
	h := newServer(t, w, nil).Handler()
	sync := request{method: "POST", target: "/v1/events", body: `{"service":"Event","operation":"send","phase":"after","result":{"n":1}}`,
		status: 200, has: `{"status":200,"result":{"n":2}}`}
	sync.run(t, h)
	if len(w.told) != 1 || len(w.asked) != 1 || w.told[0].ID != w.asked[0].ID {
		t.Errorf("told %d, asked %d", len(w.told), len(w.asked))
	}
	later := request{method: "POST", target: "/v1/events", body: `{"service":"Event","operation":"send","phase":"failed"}`, status: 202, has: `"id"`}
	later.run(t, h)
	if len(w.told) != 2 || len(w.asked) != 1 {
		t.Errorf("told %d, asked %d", len(w.told), len(w.asked))
	}
}
