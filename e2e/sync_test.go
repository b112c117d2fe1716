package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// testSync: hooks with sync: true change what callers are answered, over HTTP and over NATS; each hook runs once.
func testSync(t *testing.T, d *deployment) {
	a := d.do(t, "POST", "/rest/waited", `{"_id":"s1","n":1}`)
	if a.status != http.StatusCreated || a.at("waited") != true || a.header.Get("Gaff-Release") == "" {
		t.Errorf("create: %d %s", a.status, a.body)
	}
	first := a.header.Get("X-Request-Id")
	if a = d.do(t, "POST", "/rest/waited", `{"_id":"s1","n":2}`); a.status != http.StatusOK || a.at("existed") != true {
		t.Errorf("a failure that became a success: %d %s", a.status, a.body)
	}
	a = d.do(t, "PUT", "/rest/waited/s1", `{"$inc":{"n":4}}`)
	if a.status != http.StatusOK || a.at("n") != 5.0 || !strings.Contains(a.header.Get("Gaff-Warning"), "after the fact") {
		t.Errorf("a broken hook: %d %s %v", a.status, a.body, a.header)
	}
	if a = d.do(t, "GET", "/rest/waited/s1", ""); a.at("n") != 5.0 || a.at("waited") != nil {
		t.Errorf("stored: %s", a.body)
	}
	if a = d.do(t, "GET", "/rest/waited/none", ""); a.status != http.StatusNotFound {
		t.Errorf("a failure that stays: %d %s", a.status, a.body)
	}
	d.eventually(t, "GET", "/v1/logs?hook=unwaited&id="+first, "", func(a answer) bool { return strings.Contains(a.body, "told true") })
	d.eventually(t, "GET", "/v1/logs?id="+first, "", func(a answer) bool {
		return strings.Count(a.body, `"function":"afterPOST"`) == 2 // one of each hook
	})
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	reply, err := nc.Request(d.subject("ask", "after.default.waited.POST"), []byte(`{"result":{"n":1}}`), nats.DefaultTimeout*5)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(reply.Data); got != `{"status":200,"result":{"n":1,"waited":true}}` {
		t.Errorf("asked over NATS: %s", got)
	}
}
