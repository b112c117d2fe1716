package edge

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func TestAPI(t *testing.T) {
	t.Parallel()
	asShop := map[string]string{"Gaff-App": shop}
	with := func(name, value string) map[string]string { return map[string]string{"Gaff-App": shop, name: value} }
	for _, c := range []struct {
		request
		etag  string
		audit string
	}{
		{request: request{target: "/v1/releases", status: 200, has: `"release":6`}, etag: `"11"`},
		{request: request{target: "/v1/releases/current", status: 200, has: `"files":{"a.js":"1"},"hooks":[{"name":"customer"`}, etag: `"11"`},
		{request: request{target: "/v1/releases/6", status: 200, has: `"by":"ann"`}, etag: `"11"`},
		{request: request{target: "/v1/releases/9", status: 404, code: hooks.CodeNotFound}},
		{request: request{target: "/v1/releases/x", status: 400, code: hooks.CodeBadRequest}},
		{request: request{method: "POST", target: "/v1/releases/rollback", status: 200, has: `"release":5`}, etag: `"13"`, audit: "release-rollback 6>5"},
		{request: request{method: "POST", target: "/v1/releases/rollback", body: `{"release":9}`, status: 200, has: `"release":9`}, audit: "release-rollback 6>9"},
		{request: request{method: "POST", target: "/v1/releases/rollback", body: `{"release":"9"}`, status: 400, code: hooks.CodeValidation, has: `"field":"release"`}},
		{request: request{method: "POST", target: "/v1/releases/rollback", header: with("If-Match", `"10"`), status: 409, code: hooks.CodeConflict}},
		{request: request{method: "POST", target: "/v1/releases/rollback", header: with("If-Match", `"11"`), status: 200}, audit: "release-rollback 6>5"},
		{request: request{method: "POST", target: "/v1/releases/rollback", header: with("If-Match", `odd`), status: 400, code: hooks.CodeBadRequest}},
		{request: request{method: "POST", target: "/v1/releases/promote", body: "{}", status: 200}, etag: `"14"`, audit: "release-promote 6>6"},
		{request: request{method: "DELETE", target: "/v1/releases/promote", status: 405, code: hooks.CodeBadRequest}},
		{request: request{target: "/v1/hooks", status: 200, has: `"release":6,"canaryRelease":7,"enabled":true,"lastRun":{"time":"`}, etag: `"0"`},
		{request: request{target: "/v1/hooks/customer", status: 200, has: `"runs":3,"errors":1,"errorRate":0.3333333333333333,"byRelease":[{"release":6,"runs":2,"errors":1},{"release":7,"runs":1,"errors":0}]`}},
		{request: request{target: "/v1/hooks/nobody", status: 404, code: hooks.CodeNotFound}},
		{request: request{target: "/v1/hooks/a.b", status: 400, code: hooks.CodeBadName}},
		{request: request{target: "/v1/hooks?odd=1", status: 400, code: hooks.CodeValidation, has: `"field":"query.odd"`}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{"enabled":false}`, status: 200, has: `"enabled":false`}, etag: `"1"`, audit: "hook-disable >customer"},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{"enabled":"no"}`, status: 400, code: hooks.CodeValidation, has: `"field":"enabled"`}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{}`, status: 400, code: hooks.CodeValidation}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{"enabled":true,"force":1}`, status: 400, code: hooks.CodeValidation}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{`, status: 400, code: hooks.CodeBadRequest, has: "not valid JSON"}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", status: 400, code: hooks.CodeBadRequest, has: "empty"}},
		{request: request{method: "PATCH", target: "/v1/hooks/customer", body: `{"enabled":false}`, header: with("If-Match", `"4"`), status: 409, code: hooks.CodeConflict}},
		{request: request{method: "PATCH", target: "/v1/jobs/nightly", body: `{"enabled":false}`, status: 200, has: `"enabled":false`}, audit: "job-disable >nightly"},
		{request: request{target: "/v1/jobs", status: 200, has: `"schedule":"0 3 * * *"`}},
		{request: request{target: "/v1/jobs/nightly", status: 200, has: `"next":"`}},
		{request: request{method: "POST", target: "/v1/jobs/nightly/run", body: "{}", status: 202, has: `{"id":"run-1"}`}, audit: "job-run >nightly"},
		{request: request{method: "POST", target: "/v1/jobs/nobody/run", status: 404, code: hooks.CodeNotFound}},
		{request: request{target: "/v1/methods", status: 200, has: "[]"}},
		{request: request{target: "/v1/secrets", status: 200, has: `"name":"TOKEN"`}},
		{request: request{method: "PUT", target: "/v1/secrets/TOKEN", body: `{"value":"s3cr3t"}`, status: 204}, audit: "secret-set >TOKEN"},
		{request: request{method: "PUT", target: "/v1/secrets/TOKEN", body: `{"value":["s3cr3t"]}`, status: 400, code: hooks.CodeValidation}},
		{request: request{method: "PUT", target: "/v1/secrets/a.b", body: `{"value":"s3cr3t"}`, status: 400, code: hooks.CodeBadName}},
		{request: request{method: "DELETE", target: "/v1/secrets/TOKEN", status: 204}, audit: "secret-delete TOKEN>"},
		{request: request{target: "/v1/apps", status: 200, has: `[{"name":"shop"`}},
		{request: request{method: "POST", target: "/v1/apps", body: `{"name":"new"}`, status: 201}, audit: "app-create >new"},
		{request: request{method: "POST", target: "/v1/apps", body: `{"name":"a.b"}`, status: 400, code: hooks.CodeBadName}},
		{request: request{method: "DELETE", target: "/v1/apps/shop", status: 204}, audit: "app-delete shop>"},
		{request: request{target: "/v1/doctor", status: 200, has: "[]"}},
		{request: request{method: "POST", target: "/v1/test", body: `{"event":{"service":"customer","operation":"POST"}}`, status: 200, has: `{"verdict":{"status":200},"log":[{"level":"","time":"0001-01-01T00:00:00Z","text":"hooks: 2"}],"calls":[],"ms":`}},
		{request: request{method: "POST", target: "/v1/test", body: `{"function":"afterPUT","event":{"service":"customer","operation":"PUT","phase":"after"}}`, status: 200, has: "hooks: 1"}},
		{request: request{method: "POST", target: "/v1/test", body: `{"function":"afterX","event":{}}`, status: 404, code: hooks.CodeHookNotFound}},
		{request: request{method: "POST", target: "/v1/test", body: `{}`, status: 400, code: hooks.CodeBadRequest}},
		{request: request{method: "POST", target: "/v1/test", body: `{"files":{},"event":{}}`, status: 400, code: hooks.CodeValidation}},
		{request: request{method: "POST", target: "/v1/test", body: `{"release":6,"event":{"service":"a.b","operation":"c"}}`, status: 400, code: hooks.CodeBadName}},
	} {
		t.Run(c.method+c.target+c.body, func(t *testing.T) {
			t.Parallel()
			w := registeredWorld()
			now := time.Now()
			for i, status := range []hooks.Status{"ok", "rejected", "failed"} {
				w.records = append(w.records, hooks.Record{Name: "customer", Release: uint64(7 - min(i, 1)), Status: status, Time: now})
			}
			w.records = append(w.records, hooks.Record{Name: "customer", Release: 5, Time: now.Add(-2 * time.Hour)})
			if c.header == nil {
				c.header = asShop
			}
			answer := c.run(t, newServer(t, w, nil).Handler())
			if c.etag != "" && answer.Header().Get("ETag") != c.etag {
				t.Errorf("ETag %q, want %q", answer.Header().Get("ETag"), c.etag)
			}
			got := ""
			for _, a := range w.audits {
				got += a.Action + " " + a.From + ">" + a.To
				if a.Actor != "admin" {
					t.Errorf("actor %q", a.Actor)
				}
			}
			if got != c.audit {
				t.Errorf("audit %q, want %q", got, c.audit)
			}
			if strings.Contains(answer.Body.String(), "s3cr3t") {
				t.Error("the answer shows the secret")
			}
		})
	}
}

func TestKeysAPI(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	admin := map[string]string{"X-Api-Key": w.key(shop, nil, hooks.ScopeAdmin)}
	h := newServer(t, w, nil).Handler()
	q := request{method: "POST", target: "/v1/keys", body: `{"name":"ci","scopes":["data","log"]}`, header: admin, status: 201}
	var made newKeyBody
	if err := json.Unmarshal(q.run(t, h).Body.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	if id, ok := hooks.KeyID(made.Key); !ok || id != made.ID || made.App != shop || !slices.Equal(made.Scopes, []hooks.Scope{"data", "log"}) {
		t.Errorf("%+v", made)
	}
	q = request{target: "/v1/keys", header: admin, status: 200, has: made.ID}
	if body := q.run(t, h).Body.String(); strings.Contains(body, made.Key) || strings.Contains(body, "hash") {
		t.Errorf("the list shows what it must not: %s", body)
	}
	use := map[string]string{"Authorization": "Bearer " + made.Key}
	q = request{target: "/rest/a", keyless: true, header: use, status: 200}
	q.run(t, h)
	if got := w.calls[0]; got.App != shop || !strings.Contains(string(got.Headers), made.Key) {
		t.Errorf("app %s, headers %s: a key without admin is the script's to see", got.App, got.Headers)
	}
	q = request{method: "DELETE", target: "/v1/keys/" + made.ID, header: admin, status: 204}
	q.run(t, h)
	q = request{target: "/rest/a", keyless: true, header: use, status: 401, code: hooks.CodeUnauthorized, has: "revoked"}
	q.run(t, h)
	for _, q := range []request{
		{body: `{"scopes":["data"],"app":"other"}`, status: 403, code: hooks.CodeForbidden},
		{body: `{"scopes":[]}`, status: 400, code: hooks.CodeBadRequest},
		{body: `{"scopes":["root"]}`, status: 400, code: hooks.CodeBadRequest},
		{body: `{"scopes":["data"],"expires":"2020-01-01T00:00:00Z"}`, status: 400, code: hooks.CodeBadRequest},
		{body: `{"scopes":["data"],"expires":"soon"}`, status: 400, code: hooks.CodeValidation},
		{body: `{"name":"x"}`, status: 400, code: hooks.CodeValidation},
	} {
		q.method, q.target, q.header = "POST", "/v1/keys", admin
		q.run(t, h)
	}
	for _, a := range w.audits {
		if a.Actor == "admin" || a.Actor == "" {
			t.Errorf("audit %+v does not name the key", a)
		}
	}
}

func TestApplyIfMatch(t *testing.T) {
	t.Parallel()
	body := project(t, map[string]string{"gaff.yaml": "hooks: []\n"})
	for _, q := range []request{
		{target: "/v1/releases", header: map[string]string{"If-Match": `"10"`}, status: 409, code: hooks.CodeConflict},
		{target: "/v1/releases", header: map[string]string{"If-Match": `"11"`}, status: 201, has: `"release":7,"app":"shop"`},
		{target: "/v1/releases?dryRun=true", status: 200, has: `{"app":"shop"`},
		{target: "/v1/releases?dryRun=true", header: map[string]string{"If-Match": `"10"`}, status: 409, code: hooks.CodeConflict},
		{target: "/v1/releases?canary=10", status: 201, has: `"canary":10`},
		{target: "/v1/releases?canary=100", status: 400, code: hooks.CodeValidation},
		{target: "/v1/releases?canary=ten", status: 400, code: hooks.CodeValidation},
	} {
		t.Run(q.target+q.header["If-Match"], func(t *testing.T) {
			t.Parallel()
			w := registeredWorld()
			q.method, q.body, q.keyless = "POST", body, true
			header := map[string]string{"X-Api-Key": w.key(shop, nil, hooks.ScopeAdmin)}
			for name, value := range q.header {
				header[name] = value
			}
			q.header = header
			answer := q.run(t, newServer(t, w, nil).Handler())
			if applied := q.status == http.StatusCreated; applied != (len(w.audits) == 1) || applied && answer.Header().Get("ETag") != `"12"` {
				t.Errorf("audits %v, ETag %q", w.audits, answer.Header().Get("ETag"))
			}
		})
	}
}

// TestDescription: every operation is described, and nothing is of the library's own errors.
func TestDescription(t *testing.T) {
	t.Parallel()
	q := request{target: "/openapi.json", keyless: true, status: 200, has: `"openapi":"3.1.0"`}
	body := q.run(t, newServer(t, &world{}, nil).Handler()).Body.Bytes()
	var doc struct {
		Paths      map[string]map[string]any
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	for _, r := range routesUnderV1(t) {
		if doc.Paths[r.path][strings.ToLower(r.method)] == nil {
			t.Errorf("%s %s is not described", r.method, r.path)
		}
	}
	for _, name := range []string{"ErrorModel", "ErrorDetail"} {
		if doc.Components.Schemas[name] != nil {
			t.Errorf("schema %s is described", name)
		}
	}
}
