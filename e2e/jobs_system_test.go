package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Jobs are made, changed and taken back as documents, and the log is read as documents.
func TestSystemCollections(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T) *deployment{
		"dev":     func(t *testing.T) *deployment { return startDev(t, copyProject(t)) },
		"cluster": func(t *testing.T) *deployment { return startCluster(t, copyProject(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testSystemCollections(t, begin(t))
		})
	}
}

func testSystemCollections(t *testing.T, d *deployment) {
	before := d.do(t, "GET", "/v1/releases/current", "").at("release")
	logged := func(text string) {
		t.Helper()
		query := "/rest/System_log?q=" + url.QueryEscape(`{"kind":"job","name":"beat","status":"ok"}`)
		d.eventually(t, "GET", query, "", func(a answer) bool { return strings.Contains(a.body, text) && a.at("0._id") == a.at("0.id") })
	}
	job := func(text string) string {
		return fmt.Sprintf(`{"name":"beat","crontab":"@every 1s","active":true,"code":"function runJob(req, res) {\n  res.end('%s');\n}\n"}`, text)
	}
	if a := d.do(t, "POST", "/rest/System_jobs", job("beat 1")); a.status != http.StatusCreated || a.at("_id") != "beat" || a.at("_version") != 0.0 {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	if a := d.do(t, "GET", "/rest/System_jobs?q="+url.QueryEscape(`{"active":true}`)+"&sort=name", ""); a.at("0.name") != "beat" || a.at("1.name") != "report" {
		t.Errorf("list: %d %s", a.status, a.body)
	}
	logged("beat 1")
	if a := d.do(t, "PUT", "/rest/System_jobs/beat", job("beat 2")); a.status != http.StatusOK || a.at("_version") != 1.0 {
		t.Errorf("change: %d %s", a.status, a.body)
	}
	logged("beat 2")
	a := d.do(t, "PATCH", "/rest/System_jobs/beat", `{"code":"function runJob(req, res) {\n  res.end(;\n}\n"}`)
	if a.status != http.StatusBadRequest || a.at("error.code") != "VALIDATION" || !strings.HasPrefix(fmt.Sprint(a.at("error.fields.0.field")), "System_jobs/beat.js:2:") {
		t.Errorf("broken code: %d %s", a.status, a.body)
	}
	d.change(t, "hooks/second.js", "function beforePOST(req, res) { res.end({ data: { ...req.body, second: 'changed' } }); }\n")
	d.eventually(t, "POST", "/rest/customer", `{"name":"Zoe"}`, func(a answer) bool { return a.at("second") == "changed" })
	if a := d.do(t, "GET", "/rest/System_jobs/beat", ""); a.status != http.StatusOK || !strings.Contains(a.body, "beat 2") {
		t.Errorf("after the project was applied: %d %s", a.status, a.body)
	}
	if _, stderr, exit := gaff(t, d, "rollback", fmt.Sprint(before)); exit != 0 {
		t.Fatal(stderr)
	}
	if a := d.do(t, "GET", "/rest/System_jobs/beat", ""); a.status != http.StatusNotFound {
		t.Errorf("after the rollback: %d %s", a.status, a.body)
	}
	if d.key == "" {
		return
	}
	for scope, want := range map[string][2]int{"data": {403, 403}, "log": {403, 200}, "admin": {200, 200}} {
		key, _ := d.do(t, "POST", "/v1/keys", fmt.Sprintf(`{"scopes":[%q],"app":"default"}`, scope)).at("key").(string)
		for i, collection := range []string{"System_jobs", "System_log"} {
			a := d.eventuallyKnown(t, "/rest/"+collection, key)
			if a.status != want[i] {
				t.Errorf("scope %s at %s: %d %s", scope, collection, a.status, a.body)
			}
		}
	}
}

// eventuallyKnown asks with a key as soon as it is known everywhere.
func (d *deployment) eventuallyKnown(t *testing.T, path, key string) answer {
	t.Helper()
	return poll(t, "an answer to a new key", func() (answer, bool) {
		a := d.do(t, "GET", path, "", "X-Apikey", key)
		return a, a.status != http.StatusUnauthorized
	})
}
