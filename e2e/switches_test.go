package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is switched off stays off, whatever is applied and gone back to.
func testSwitches(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	a.ok(t, "apply")
	a.serves(t, 1)
	if got := a.json(t, "hooks", "disable", "a"); got.at("enabled") != false {
		t.Errorf("hooks disable: %s", got.body)
	}
	if out := a.ok(t, "jobs", "disable", "tidy"); out != "job tidy is off\n" {
		t.Errorf("jobs disable: %s", out)
	}
	only := func(release int) {
		t.Helper()
		right := 0
		a.await(t, "POST", eventPath, eventBody("k"), func(got answer) bool {
			if right++; got.at("message.a") != nil || got.at("message.b") != float64(release) {
				right = 0
			}
			return right == 30
		})
	}
	only(1)
	a.write(t, generation(2))
	a.ok(t, "apply")
	only(2)
	a.ok(t, "rollback")
	only(1)
	a.ok(t, "rollback", "2")
	only(2)
	if got := a.json(t, "hooks"); got.at("0.enabled") != false || got.at("1.enabled") != true {
		t.Errorf("hooks: %s", got.body)
	}
	if got := a.json(t, "jobs", "get", "tidy"); got.at("enabled") != false || got.at("next") != nil {
		t.Errorf("job: %s", got.body)
	}
	a.fails(t, 1, []string{"jobs", "run", "tidy"}, "NOT_FOUND")
	a.fails(t, 1, []string{"hooks", "disable", "none"}, "NOT_FOUND", "gaff hooks")
	a.ok(t, "hooks", "enable", "a")
	a.ok(t, "jobs", "enable", "tidy")
	poll(t, "both hooks", func() (answer, bool) {
		for range 40 {
			got := a.call(t, "POST", eventPath, eventBody("k"))
			if mixed(got, 2, "message.") != "" {
				return got, false
			}
		}
		return answer{}, true
	})
	var id string
	poll(t, "a job that is on again", func() (answer, bool) {
		out, stderr, exit := a.cli(t, "", "jobs", "run", "tidy")
		id = strings.TrimSpace(out)
		return answer{body: out + stderr}, exit == 0
	})
	poll(t, "the record of the job", func() (answer, bool) {
		got := a.json(t, "logs", "--id", id)
		return got, got.at("end") == "tidied by 2" && got.at("kind") == "job" && got.at("release") == 2.0
	})
	if out := a.ok(t, "jobs"); !strings.Contains(out, "@yearly UTC") || !strings.Contains(out, " ok ") {
		t.Errorf("jobs:\n%s", out)
	}
	if got := a.json(t, "methods"); strings.TrimSpace(got.body) != "[]" {
		t.Errorf("methods: %s", got.body)
	}
	if out := a.plain(t, "__complete", "hooks", "get", "--app", a.app, ""); !strings.HasPrefix(out, "a\nb\n") {
		t.Errorf("completion: %s", out)
	}
}

// What happened once, in the log, is a case from then on.
func testRecordedCase(t *testing.T, d *deployment) {
	a := newTenant(t, d, nil)
	a.plain(t, "init", a.dir)
	project, err := os.ReadFile(filepath.Join(a.dir, "gaff.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, map[string]string{
		"gaff.yaml": strings.Replace(string(project), "hooks:\n", "hooks:\n  - {service: order, script: hooks/order.js}\n", 1) + "  token: \"${secret:TOKEN}\"\n",
		"hooks/order.js": "async function beforePOST(req) {\n  const known = await db.get('/rest/customer', { name: req.body.name });\n" +
			"  log.info('asked by', req.body.token === context.settings.token ? 'a friend' : 'a stranger', req.body.token);\n" +
			"  return { data: { ...req.body, known: known.length } };\n}\n",
	})
	const secret = "the-value-of-the-token"
	if out, stderr, exit := a.cli(t, secret, "secrets", "set", "TOKEN"); exit != 0 {
		t.Fatalf("secrets set: exit %d\n%s%s", exit, out, stderr)
	}
	a.ok(t, "apply")
	whole := 0
	a.await(t, "POST", eventPath, `{"service":"customer","operation":"POST","message":{"name":"Ann"}}`, func(got answer) bool {
		if whole++; got.at("message.greeting") != "Welcome, Ann" {
			whole = 0
		}
		return whole == 40 // on each worker
	})
	customer := a.call(t, "POST", "/rest/customer", `{"name":"Ann"}`)
	order := a.call(t, "POST", "/rest/order", fmt.Sprintf(`{"name":"Ann","token":%q}`, secret))
	if customer.status != http.StatusCreated || order.at("known") != 1.0 {
		t.Errorf("customer: %d %s, order: %d %s", customer.status, customer.body, order.status, order.body)
	}
	for name, wanted := range map[string]struct {
		of       answer
		function string
	}{"customer": {customer, "afterPOST"}, "order": {order, "beforePOST"}} {
		id := wanted.of.header.Get("X-Request-Id")
		a.await(t, "GET", "/v1/logs?id="+id, "", func(got answer) bool { return strings.Contains(got.body, `"function":"`+wanted.function+`"`) })
		a.ok(t, "logs", "--id", id, "--save", "tests/recorded-"+name+".yaml")
	}
	saved, err := os.ReadFile(filepath.Join(a.dir, "tests/recorded-order.yaml"))
	if err != nil || strings.Contains(string(saved), secret) || !strings.Contains(string(saved), "***") {
		t.Errorf("the saved case: %v\n%s", err, saved)
	}
	a.fails(t, 1, []string{"logs", "--id", order.header.Get("X-Request-Id"), "--save", "tests/recorded-order.yaml"}, "exists")
	a.fails(t, 2, []string{"logs", "--save", "tests/x.yaml"}, "--id")
	// A case does not know the secret: what depends on it is another now, and --update writes that.
	out, stderr, exit := gaff(t, d, "test", a.dir)
	if exit != 1 || !strings.Contains(out, "6 passed, 1 failed") || !strings.Contains(out, "a stranger") {
		t.Errorf("gaff test: exit %d\n%s%s", exit, out, stderr)
	}
	a.plain(t, "test", "--update", a.dir)
	if out := a.plain(t, "test", a.dir); !strings.Contains(out, "7 passed, 0 failed") {
		t.Errorf("gaff test:\n%s\n%s", out, saved)
	}
}

// plain runs gaff as it is told to, and returns what it prints.
func (a *tenant) plain(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, exit := gaff(t, a.deployment, args...)
	if exit != 0 {
		t.Fatalf("gaff %v: exit %d\n%s%s", args, exit, out, stderr)
	}
	return out
}

// doctor runs gaff doctor, and returns the names of the checks that fail. They decide about the exit code.
func (d *deployment) doctor(t *testing.T) (ok, failing []string) {
	t.Helper()
	out, stderr, exit := gaff(t, d, "doctor")
	for line := range strings.Lines(out) {
		mark, check, _ := strings.Cut(line, "  ")
		name, _, _ := strings.Cut(strings.TrimSpace(check), ":")
		if mark == "FAIL" {
			failing = append(failing, name)
		} else {
			ok = append(ok, name)
		}
	}
	if want := min(len(failing), 1); exit != want || len(ok) == 0 {
		t.Fatalf("doctor: exit %d\n%s%s", exit, out, stderr)
	}
	return ok, failing
}

// The doctor finds every server well, but for the tests' PostgreSQL, which does not sync.
func testDoctor(t *testing.T, d *deployment) {
	ok, failing := d.doctor(t)
	for _, name := range []string{"NATS", "Redis", "documents", "releases", "keys"} {
		if !slices.Contains(ok, name) {
			t.Errorf("%s is not among what is well: %v", name, ok)
		}
	}
	if len(failing) > 0 && !slices.Equal(failing, []string{"PostgreSQL durability"}) {
		t.Errorf("failing: %v", failing)
	}
	a := newTenant(t, d, nil)
	_, key := a.newKey(t, "admin")
	a.with(key).await(t, "GET", "/v1/releases", "", func(got answer) bool { return got.status == http.StatusOK })
	if _, stderr, exit := gaff(t, a.with(key).deployment, "doctor"); exit != 1 || !strings.Contains(stderr, "FORBIDDEN") {
		t.Errorf("doctor for an app's admin: exit %d\n%s", exit, stderr)
	}
}

// The description of the API is whole: each operation of /v1 with its answers and parameters, no reference to nothing.
func testDescription(t *testing.T, d *deployment) {
	anybody := *d
	anybody.key = ""
	got := anybody.do(t, "GET", "/openapi.json", "")
	var doc map[string]any
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil || got.status != http.StatusOK {
		t.Fatalf("%d %v %.200s", got.status, err, got.body)
	}
	if version, _ := doc["openapi"].(string); !strings.HasPrefix(version, "3.1.") || got.at("info.title") == nil || got.at("info.version") == nil {
		t.Errorf("openapi %v, info %v", doc["openapi"], doc["info"])
	}
	var found []string
	ids := map[string]bool{}
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			o, ok := op.(map[string]any)
			if !ok {
				t.Errorf("%s %s is not an operation", method, path)
				continue
			}
			found = append(found, strings.ToUpper(method)+" "+path)
			id, _ := o["operationId"].(string)
			if id == "" || ids[id] {
				t.Errorf("%s %s: operationId %q", method, path, id)
			}
			ids[id] = true
			checkOperation(t, method+" "+path, o)
		}
	}
	slices.Sort(found)
	want := strings.Fields(`DELETE_/v1/apps/{name} DELETE_/v1/dead/{id} DELETE_/v1/keys/{id} DELETE_/v1/secrets/{name} DELETE_/v1/tasks/{id}
		GET_/v1/apps GET_/v1/dead GET_/v1/dead/{id} GET_/v1/doctor GET_/v1/hooks GET_/v1/hooks/{name} GET_/v1/jobs
		GET_/v1/jobs/{name} GET_/v1/keys GET_/v1/logs GET_/v1/logs/stream GET_/v1/methods GET_/v1/methods/{name}
		GET_/v1/releases GET_/v1/releases/{n} GET_/v1/secrets GET_/v1/tasks GET_/v1/tasks/{id} PATCH_/v1/apps/{name}
		PATCH_/v1/hooks/{name} PATCH_/v1/jobs/{name} PATCH_/v1/methods/{name} POST_/v1/apps POST_/v1/dead/drop
		POST_/v1/dead/replay POST_/v1/events POST_/v1/jobs/{name}/enqueue POST_/v1/jobs/{name}/run POST_/v1/keys
		POST_/v1/pause POST_/v1/releases POST_/v1/releases/promote POST_/v1/releases/rollback POST_/v1/replay POST_/v1/resume
		POST_/v1/tasks/{id}/retry POST_/v1/test PUT_/v1/secrets/{name}`)
	for i := range want {
		want[i] = strings.Replace(want[i], "_", " ", 1)
	}
	if slices.Sort(want); !slices.Equal(found, want) {
		t.Errorf("operations\n%s", strings.Join(found, "\n"))
	}
	checkReferences(t, doc, doc)
}

// checkOperation: each answer is described, and each part of the path that varies is a parameter.
func checkOperation(t *testing.T, name string, o map[string]any) {
	responses, _ := o["responses"].(map[string]any)
	if len(responses) < 2 || responses["default"] == nil {
		t.Errorf("%s: responses %v", name, slices.Sorted(maps.Keys(responses)))
	}
	for status, r := range responses {
		if response, _ := r.(map[string]any); response["description"] == nil {
			t.Errorf("%s: %s has no description", name, status)
		}
	}
	params, _ := o["parameters"].([]any)
	inPath := 0
	for _, p := range params {
		param, _ := p.(map[string]any)
		if param["name"] == nil || param["in"] == nil || param["schema"] == nil {
			t.Errorf("%s: parameter %v", name, param)
		}
		if param["in"] == "path" {
			inPath++
			if param["required"] != true || !strings.Contains(name, fmt.Sprintf("{%v}", param["name"])) {
				t.Errorf("%s: parameter %v", name, param)
			}
		}
	}
	if inPath != strings.Count(name, "{") {
		t.Errorf("%s: %d parameters of the path", name, inPath)
	}
}

// checkReferences follows each $ref.
func checkReferences(t *testing.T, doc map[string]any, at any) {
	switch v := at.(type) {
	case []any:
		for _, e := range v {
			checkReferences(t, doc, e)
		}
	case map[string]any:
		for name, e := range v {
			ref, ok := e.(string)
			if name != "$ref" || !ok {
				checkReferences(t, doc, e)
				continue
			}
			var to any = doc
			for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
				m, _ := to.(map[string]any)
				to = m[part]
			}
			if to == nil {
				t.Errorf("%s leads nowhere", ref)
			}
		}
	}
}
