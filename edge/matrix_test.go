package edge

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// v1Route is an operation, and who may do it.
type v1Route struct {
	method, path string
	scopes       []hooks.Scope // besides admin
	operator     bool
}

// routesUnderV1 lists all operations of the API, and checks that it forgets none.
func routesUnderV1(t *testing.T) []v1Route {
	t.Helper()
	list := []v1Route{
		{"POST", "/v1/events", []hooks.Scope{hooks.ScopeAPI}, false},
		{"GET", "/v1/logs", []hooks.Scope{hooks.ScopeLog}, false},
		{"GET", "/v1/logs/stream", []hooks.Scope{hooks.ScopeLog}, false},
		{"GET", "/v1/apps", nil, true}, {"POST", "/v1/apps", nil, true}, {"DELETE", "/v1/apps/{name}", nil, true}, {"PATCH", "/v1/apps/{name}", nil, true}, {"GET", "/v1/doctor", nil, true},
	}
	for _, r := range []string{
		"GET /v1/releases", "POST /v1/releases", "GET /v1/releases/{n}", "POST /v1/releases/rollback", "POST /v1/releases/promote",
		"GET /v1/hooks", "GET /v1/hooks/{name}", "PATCH /v1/hooks/{name}", "GET /v1/jobs", "GET /v1/jobs/{name}", "PATCH /v1/jobs/{name}",
		"POST /v1/jobs/{name}/run", "POST /v1/jobs/{name}/enqueue", "GET /v1/tasks", "GET /v1/tasks/{id}", "POST /v1/tasks/{id}/retry",
		"DELETE /v1/tasks/{id}", "GET /v1/methods", "GET /v1/methods/{name}", "PATCH /v1/methods/{name}", "GET /v1/keys", "POST /v1/keys", "DELETE /v1/keys/{id}",
		"GET /v1/dead", "GET /v1/dead/{id}", "DELETE /v1/dead/{id}", "POST /v1/dead/replay", "POST /v1/dead/drop", "POST /v1/replay",
		"POST /v1/pause", "POST /v1/resume",
		"GET /v1/secrets", "PUT /v1/secrets/{name}", "DELETE /v1/secrets/{name}", "POST /v1/test",
	} {
		method, path, _ := strings.Cut(r, " ")
		list = append(list, v1Route{method, path, nil, false})
	}
	count := 3 // that are not the API's
	for _, rt := range newAPI(newServer(t, &world{}, nil)).routes {
		count += len(rt.methods)
	}
	if count != len(list) {
		t.Fatalf("there are %d operations, the test knows %d", count, len(list))
	}
	return list
}

func allRoutes(t *testing.T) []v1Route {
	list := routesUnderV1(t)
	for _, r := range []string{
		"GET /rest/a", "POST /rest/a", "GET /rest/a/b", "PUT /rest/a/b", "PATCH /rest/a/b", "DELETE /rest/a/b", "DELETE /rest/a/*", "GET /rest/a/",
	} {
		method, path, _ := strings.Cut(r, " ")
		list = append(list, v1Route{method, path, []hooks.Scope{hooks.ScopeData}, false})
	}
	list = append(list, v1Route{"POST", "/rpc", []hooks.Scope{hooks.ScopeRPC}, false})
	return list
}

// TestAuthorization asks every route with every kind of key. A request that gets past the keys may fail for what it
// lacks otherwise; one that does not get past them must not reach anything.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	past, soon := time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	for _, r := range allRoutes(t) {
		t.Run(r.method+r.path, func(t *testing.T) {
			t.Parallel()
			w := registeredWorld()
			w.tail = make(chan hooks.Record)
			revoked := w.key(shop, nil, hooks.ScopeAdmin)
			w.keys[0].Revoked = true
			good := w.key(shop, nil, hooks.Scopes()...)
			forged := good[:len(good)-6] + "AAAAAA"
			keys := map[string]string{
				"none": "", "malformed": "gaff_xyz", "cut off": good[:len(good)-1], "forged": forged, "unknown": (&world{}).key(shop, nil, hooks.ScopeAdmin),
				"revoked": revoked, "expired": w.key(shop, &past, hooks.ScopeAdmin), "operator with a typo": adminKey + "x",
			}
			for _, s := range hooks.Scopes() {
				keys["scope "+string(s)] = w.key(shop, &soon, s)
			}
			s := newServer(t, w, nil)
			close(s.stopping) // so that streams end at once
			h := s.Handler()
			ask := func(name, key, app string, want int) {
				for _, header := range []string{"X-Api-Key", "X-Apikey", "Authorization"} {
					value := key
					if header == "Authorization" {
						value = "Bearer " + key
					}
					q := request{method: r.method, target: strings.NewReplacer("{name}", "customer", "{n}", "current", "{id}", "0123456789abcdef").Replace(r.path),
						keyless: true, header: map[string]string{header: value}}
					if app != "" {
						q.header["Gaff-App"] = app
					}
					answer := q.run(t, h)
					got := answer.Code
					if got != http.StatusUnauthorized && got != http.StatusForbidden {
						got = http.StatusOK
					}
					if got != want {
						t.Errorf("%s in %s, app %q: %d %s", name, header, app, answer.Code, answer.Body)
					}
					if key != "" && strings.Contains(answer.Body.String(), key) {
						t.Errorf("%s: the answer shows the key", name)
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(keys)) {
				scope, scoped := strings.CutPrefix(name, "scope ")
				switch want := http.StatusUnauthorized; {
				case scoped:
					want = http.StatusForbidden
					ask(name+" of another app", keys[name], "other", want)
					if !r.operator && (hooks.Scope(scope) == hooks.ScopeAdmin || slices.Contains(r.scopes, hooks.Scope(scope))) {
						want = http.StatusOK
					}
					ask(name, keys[name], "", want)
					ask(name+" of the same app", keys[name], shop, want)
				default:
					ask(name, keys[name], "", want)
				}
			}
			ask("operator", adminKey, shop, http.StatusOK)
		})
	}
}

// TestKeyCannotLeaveItsApp: neither by a header nor by what the body names.
func TestKeyCannotLeaveItsApp(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	admin := map[string]string{"X-Api-Key": w.key(shop, nil, hooks.ScopeAdmin)}
	h := newServer(t, w, nil).Handler()
	for _, q := range []request{
		{method: "POST", target: "/v1/events", body: `{"app":"other","service":"a","operation":"b"}`},
		{method: "POST", target: "/v1/releases", body: project(t, map[string]string{"gaff.yaml": "app: other\n"})},
		{method: "POST", target: "/v1/test", body: `{"event":{"app":"other","service":"a","operation":"b"}}`},
		{method: "POST", target: "/v1/keys", body: `{"app":"other","scopes":["data"]}`},
	} {
		q.header, q.keyless, q.status, q.code = admin, true, 403, hooks.CodeForbidden
		q.run(t, h)
	}
	if len(w.asked)+len(w.tried)+len(w.audits) > 0 {
		t.Error("something was done")
	}
}

// TestOpenServerWithKeys: nothing is needed, but a key that is sent counts.
func TestOpenServerWithKeys(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	past := time.Now().Add(-time.Minute)
	h := newServer(t, w, func(c *Config) { c.Open, c.AdminKey = true, "" }).Handler()
	for _, q := range []request{
		{name: "", status: 200},
		{name: "a script's own", status: 200},
		{name: w.key(shop, nil, hooks.ScopeData), status: 403, code: hooks.CodeForbidden},
		{name: w.key(shop, &past, hooks.ScopeAdmin), status: 401, code: hooks.CodeUnauthorized},
		{name: w.key(shop, nil, hooks.ScopeAdmin), status: 200},
	} {
		q.target, q.keyless, q.header = "/v1/secrets", true, map[string]string{"X-Api-Key": q.name}
		q.run(t, h)
	}
}
