package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

func TestDev(t *testing.T) {
	t.Parallel()
	suite(t, startDev(t, copyProject(t)))
}

func TestCluster(t *testing.T) {
	t.Parallel()
	suite(t, startCluster(t, copyProject(t)))
}

// suite is what every deployment does alike.
func suite(t *testing.T, d *deployment) {
	t.Run("gate", func(t *testing.T) { testGate(t, d) })
	t.Run("broken hooks", func(t *testing.T) { testBrokenHooks(t, d) })
	t.Run("documents", func(t *testing.T) { testDocuments(t, d) })
	t.Run("script calls", func(t *testing.T) { testScriptCalls(t, d) })
	t.Run("after", func(t *testing.T) { testAfter(t, d) })
	t.Run("sync", func(t *testing.T) { testSync(t, d) })
	t.Run("nats", func(t *testing.T) { testNATS(t, d) })
	t.Run("job", func(t *testing.T) { testJob(t, d) })
	t.Run("scheduled script", func(t *testing.T) { testScheduledScript(t, d) })
	t.Run("bad input", func(t *testing.T) { testBadInput(t, d) })
	t.Run("command line", func(t *testing.T) { testCommandLine(t, d) })
	t.Run("change", func(t *testing.T) { testChange(t, d) })
}

func testGate(t *testing.T, d *deployment) {
	a := d.do(t, "POST", "/rest/customer", `{"name":"Ann"}`)
	if a.status != http.StatusCreated || a.at("upper") != "ANN" || a.at("second") != "ANN!" || a.at("greeting") != "hello" {
		t.Errorf("create: %d %s", a.status, a.body)
	}
	if a.at("_version") != 0.0 || a.at("_id") == nil || a.at("_created") == nil || a.header.Get("X-Request-Id") == "" {
		t.Errorf("server's fields: %s, headers %v", a.body, a.header)
	}
	a = d.do(t, "POST", "/rest/customer", `{"age":3}`)
	if a.status != http.StatusBadRequest || a.at("error.code") != "VALIDATION" || a.at("error.fields.0.field") != "name" ||
		a.at("error.hook") != "customer.beforePOST" || a.at("error.requestId") != a.header.Get("X-Request-Id") {
		t.Errorf("invalid: %d %s", a.status, a.body)
	}
	a = d.do(t, "POST", "/rest/customer", `{"name":"Mallory"}`)
	if a.status != http.StatusForbidden || a.at("error.code") != "REJECTED" || a.at("error.message") != "not you" {
		t.Errorf("rejected: %d %s", a.status, a.body)
	}
	a = d.do(t, "GET", "/rest/customer?q="+url.QueryEscape(`{"blocked":1}`), "")
	if a.status != http.StatusUnauthorized {
		t.Errorf("GET refused: %d %s", a.status, a.body)
	}
}

func testBrokenHooks(t *testing.T, d *deployment) {
	for _, c := range []struct{ kind, code, says string }{
		{"throw", "HOOK_ERROR", "boom (hooks/bad.js:3:"},
		{"undefined", "HOOK_ERROR", "hooks/bad.js:8:"},
		{"loop", "HOOK_TIMEOUT", ""},
		{"never", "HOOK_TIMEOUT", ""},
		{"forgets", "HOOK_TIMEOUT", "res.end"},
		{"slow", "HOOK_TIMEOUT", ""},
	} {
		a := d.do(t, "POST", "/rest/bad", fmt.Sprintf(`{"kind":%q}`, c.kind))
		message, _ := a.at("error.message").(string)
		if a.at("error.code") != c.code || !strings.Contains(message, c.says) || a.at("error.hook") != "bad.beforePOST" {
			t.Errorf("%s: %d %s", c.kind, a.status, a.body)
		}
	}
	if a := d.do(t, "POST", "/rest/bad", `{}`); a.status != http.StatusCreated {
		t.Errorf("after all that: %d %s", a.status, a.body)
	}
	if a := d.do(t, "POST", "/rest/lenient", `{}`); a.status != http.StatusCreated {
		t.Errorf("onError ignore: %d %s", a.status, a.body)
	}
}

func testDocuments(t *testing.T, d *deployment) {
	create := func(body string) string {
		a := d.do(t, "POST", "/rest/thing", body)
		if a.status != http.StatusCreated {
			t.Fatalf("create %s: %d %s", body, a.status, a.body)
		}
		return a.at("_id").(string)
	}
	create(`{"_id":"one","n":1,"tags":["a"]}`)
	create(`{"_id":"two","n":2,"in":{"deep":true}}`)
	id := create(`{"n":3}`)
	if a := d.do(t, "POST", "/rest/thing", `{"_id":"one"}`); a.status != http.StatusConflict || a.at("error.code") != "CONFLICT" {
		t.Errorf("duplicate: %d %s", a.status, a.body)
	}
	get := func(q, h string) string {
		a := d.do(t, "GET", "/rest/thing?q="+url.QueryEscape(q)+"&h="+url.QueryEscape(h), "")
		if a.status != http.StatusOK {
			t.Errorf("%s %s: %d %s", q, h, a.status, a.body)
		}
		return a.body
	}
	if got := get(`{"n":{"$bt":[2,3]}}`, `{"$orderby":{"n":-1},"$fields":{"n":1}}`); !strings.Contains(got, `3`) || strings.Contains(got, "one") {
		t.Errorf("query: %s", got)
	}
	if got := get(`{"in.deep":true}`, `{}`); !strings.Contains(got, "two") {
		t.Errorf("dotted query: %s", got)
	}
	a := d.do(t, "PATCH", "/rest/thing/"+id, `{"more":1}`)
	if a.status != http.StatusOK || a.at("n") != 3.0 || a.at("more") != 1.0 || a.at("_version") != 1.0 {
		t.Errorf("patch: %d %s", a.status, a.body)
	}
	a = d.do(t, "PUT", "/rest/thing/"+id, `{"other":1}`)
	if a.status != http.StatusOK || a.at("n") != nil || a.at("_version") != 2.0 || a.at("_created") == nil {
		t.Errorf("put: %d %s", a.status, a.body)
	}
	if a := d.do(t, "DELETE", "/rest/thing/"+id, ""); a.status != http.StatusOK {
		t.Errorf("delete: %d %s", a.status, a.body)
	}
	if a := d.do(t, "GET", "/rest/thing/"+id, ""); a.status != http.StatusNotFound || a.at("error.code") != "NOT_FOUND" {
		t.Errorf("deleted: %d %s", a.status, a.body)
	}
	if a := d.do(t, "DELETE", "/rest/thing/*?q="+url.QueryEscape(`{"n":{"$lte":2}}`), ""); a.status != http.StatusOK {
		t.Errorf("delete many: %d %s", a.status, a.body)
	}
	if got := get(`{}`, `{}`); got != "[]" && got != "[]\n" {
		t.Errorf("left: %s", got)
	}
}

func testScriptCalls(t *testing.T, d *deployment) {
	a := d.do(t, "POST", "/rest/order", `{"customer":"Bob"}`)
	if a.status != http.StatusCreated || a.at("upper") != "BOB" {
		t.Fatalf("a script's own create did not fire hooks: %d %s", a.status, a.body)
	}
	a = d.do(t, "POST", "/rest/order", `{"customer":"Mallory"}`)
	if a.status != http.StatusInternalServerError || !strings.Contains(fmt.Sprint(a.at("error.message")), "not you") {
		t.Errorf("a rejection inside: %d %s", a.status, a.body)
	}
	id := d.do(t, "POST", "/rest/order", `{"customer":"Bob","paid":true}`).at("_id").(string)
	a = d.do(t, "DELETE", "/rest/order/"+id, "")
	if a.status != http.StatusConflict || !strings.Contains(a.body, id) {
		t.Errorf("delete refused: %d %s", a.status, a.body)
	}
}

func testAfter(t *testing.T, d *deployment) {
	if a := d.do(t, "POST", "/rest/customer", `{"name":"Last"}`); a.status != http.StatusCreated {
		t.Fatalf("create: %d %s", a.status, a.body)
	}
	d.eventually(t, "GET", "/rest/total/customers-Last", "", func(a answer) bool { return a.at("last") == "Last" })
	d.eventually(t, "GET", "/v1/logs?hook=customer&limit=1000", "", func(a answer) bool {
		return strings.Contains(a.body, `"function":"afterPOST"`) && strings.Contains(a.body, `"status":"rejected"`)
	})
}

func testNATS(t *testing.T, d *deployment) {
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for _, c := range []struct{ subject, payload, want string }{
		{"before.default.Event.sendEvent", `{"message":{"amount":50}}`, `{"status":200}`},
		{"before.default.Event.sendEvent", `{"message":{"amount":500}}`, `{"status":200,"message":{"amount":500,"checked":true}}`},
		{"before.default.Event.sendEvent", `{"message":{"amount":5000}}`,
			`{"status":402,"error":{"code":"TOO_MUCH","message":"too much","hook":"guard.before"}}`},
		{"before.default.nobody.POST", `{"message":{}}`, `{"status":200}`},
		{"before.default.customer.POST", `{`, `{"status":400,"error":{"code":"BAD_REQUEST"`},
	} {
		reply, err := nc.Request(d.subject("ask", c.subject), []byte(c.payload), nats.DefaultTimeout*5)
		if err != nil {
			t.Fatalf("%s: %v", c.subject, err)
		}
		if got := string(reply.Data); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s %s: %s", c.subject, c.payload, got)
		}
	}
}

func testJob(t *testing.T, d *deployment) {
	d.eventually(t, "GET", "/v1/logs?job=report", "", func(a answer) bool {
		return strings.Contains(a.body, "customers, job report") && a.at("0.kind") == "job"
	})
}

// A script that a hook schedules runs by itself, once; one that was cancelled does not.
func testScheduledScript(t *testing.T, d *deployment) {
	a := d.do(t, "POST", "/rest/reminder", `{"who":"ann"}`)
	if a.status != http.StatusCreated || a.at("status") != 200.0 || a.at("waiting") != 1.0 || a.at("state") != "Scheduled" ||
		a.at("cancelled") != 1.0 || a.at("again") == 200.0 || a.at("absent") != 0.0 {
		t.Errorf("%d %s", a.status, a.body)
	}
	a = d.eventually(t, "GET", "/v1/logs?job=remind", "", func(a answer) bool { return a.at("0.status") == "ok" })
	if !strings.Contains(a.body, "reminding ann") || strings.Contains(a.body, "nobody") || a.at("1") != nil {
		t.Error(a.body)
	}
}

func testBadInput(t *testing.T, d *deployment) {
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/rest/bad.name", "", 400, "BAD_NAME"},
		{"GET", "/rest/" + strings.Repeat("x", 65), "", 400, "BAD_NAME"},
		{"POST", "/rest/thing", "{", 400, "BAD_REQUEST"},
		{"POST", "/rest/thing", "[1]", 400, "BAD_REQUEST"},
		{"POST", "/rest/thing", `{"_id":7}`, 400, "BAD_REQUEST"},
		{"POST", "/rest/thing", strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), 413, "TOO_LARGE"},
		{"POST", "/rest/thing", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "TOO_LARGE"},
		{"GET", "/rest/thing?q=" + url.QueryEscape(`{"a":{"$near":1}}`), "", 400, "BAD_REQUEST"},
		{"GET", "/rest/thing?q=" + url.QueryEscape(`{"a":{"$in":1}}`), "", 400, "BAD_REQUEST"},
		{"GET", "/rest/thing?nonsense=1", "", 400, "BAD_REQUEST"},
		{"DELETE", "/rest/thing/*?q={}&max=1", "", 400, "BAD_REQUEST"},
		{"PUT", "/rest/thing/none", "{}", 404, "NOT_FOUND"},
		{"GET", "/nowhere", "", 404, "NOT_FOUND"},
	} {
		a := d.do(t, c.method, c.path, c.body)
		if a.status != c.status || a.at("error.code") != c.code {
			t.Errorf("%s %.60s %.30s: %d %.300s", c.method, c.path, c.body, a.status, a.body)
		}
	}
	a := d.do(t, "GET", "/rest/thing?q="+url.QueryEscape(`{"a":{"$near":1}}`), "")
	if !strings.Contains(a.body, "$near") {
		t.Errorf("the operator is not named: %s", a.body)
	}
}

func testCommandLine(t *testing.T, d *deployment) {
	out, _, exit := gaff(t, d, "emit", "Event", "sendEvent", "--data", `{"amount":500}`)
	if exit != 0 || !strings.Contains(out, `"checked": true`) {
		t.Errorf("emit: exit %d\n%s", exit, out)
	}
	out, _, exit = gaff(t, d, "emit", "Event", "sendEvent", "--data", `{"amount":5000}`)
	if exit != 1 || !strings.Contains(out, "TOO_MUCH") {
		t.Errorf("emit that is stopped: exit %d\n%s", exit, out)
	}
	out, _, exit = gaff(t, d, "logs", "--hook", "customer", "-o", "json")
	if exit != 0 || !strings.Contains(out, `"name":"customer"`) {
		t.Errorf("logs: exit %d\n%s", exit, out)
	}
	if _, _, exit = gaff(t, d, "emit", "bad name", "x"); exit != 2 {
		t.Errorf("bad name: exit %d", exit)
	}
}

func testChange(t *testing.T, d *deployment) {
	const path = "hooks/second.js"
	d.change(t, path, "function beforePOST(req, res) { res.end({ data: { ...req.body, second: 'changed' } }); }\n")
	post := func() answer { return d.do(t, "POST", "/rest/customer", `{"name":"Zoe"}`) }
	d.eventually(t, "POST", "/rest/customer", `{"name":"Zoe"}`, func(a answer) bool { return a.at("second") == "changed" })
	writeFile(t, d.project+"/"+path, "function beforePOST(req, res) {\n  res.end({ data: ;\n}\n")
	_, stderr, exit := gaff(t, d, "check", d.project)
	if exit != 1 || !strings.Contains(stderr, path+":2:") {
		t.Errorf("check of a broken script: exit %d\n%s", exit, stderr)
	}
	if _, stderr, exit := gaff(t, d, "apply", d.project); exit != 1 || !strings.Contains(stderr, path+":2:") {
		t.Errorf("apply of a broken script: exit %d\n%s", exit, stderr)
	}
	if a := post(); a.at("second") != "changed" {
		t.Errorf("the last good release does not serve: %d %s", a.status, a.body)
	}
}
