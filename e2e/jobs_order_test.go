package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Scripts, callers and people order runs, look at them, take them back, and have what failed run again.
func TestOrders(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T, project string) *deployment{
		"dev": func(t *testing.T, project string) *deployment { return startDev(t, project) }, "cluster": func(t *testing.T, project string) *deployment { return startCluster(t, project) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			project := copyProject(t)
			insert(t, project+"/gaff.yaml", "hooks:\n", "  - service: parcel\n    script: hooks/parcel.js\n")
			insert(t, project+"/gaff.yaml", "jobs:\n", "  - {name: mail, schedule: '@manual', script: jobs/mail.js}\n")
			writeFile(t, project+"/hooks/parcel.js",
				"async function afterPOST(req) { await jobs.enqueue('mail', { to: req.body.to }, { delay: 1, id: 'mail-' + req.body._id }); }\n")
			writeFile(t, project+"/jobs/mail.js",
				"async function runJob(req, res) {\n  if (req.body.to === 'nobody' && (await db.get('/rest/ready')).length === 0) throw new Error('no such person');\n"+
					"  await db.post('/rest/sent', { to: req.body.to, manual: req.job.manual, attempt: req.job.attempt });\n  res.end('sent');\n}\n")
			testOrders(t, begin(t, project))
		})
	}
}

func testOrders(t *testing.T, d *deployment) {
	sent := func(to string) {
		t.Helper()
		path := "/rest/sent?q=" + url.QueryEscape(fmt.Sprintf(`{"to":%q}`, to))
		d.eventually(t, "GET", path, "", func(a answer) bool { return a.at("0.to") == to && a.at("0.manual") == true })
	}
	d.do(t, "POST", "/rest/parcel", `{"_id":"p1","to":"ann"}`)
	sent("ann")
	d.eventually(t, "GET", "/v1/logs?job=mail&id=mail-p1", "", func(a answer) bool { return a.at("0.end") == "sent" })

	tomorrow := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	a := d.do(t, "POST", "/v1/jobs/mail/enqueue", fmt.Sprintf(`{"payload":{"to":"bob"},"at":%q,"id":"later"}`, tomorrow))
	if a.status != http.StatusAccepted || a.at("id") != "later" || a.at("existing") != false {
		t.Errorf("order: %d %s", a.status, a.body)
	}
	if a := d.do(t, "POST", "/v1/jobs/mail/enqueue", `{"id":"later"}`); a.at("existing") != true {
		t.Errorf("the same again: %d %s", a.status, a.body)
	}
	if out, _, exit := gaff(t, d, "jobs", "tasks", "--state", "scheduled"); exit != 0 || !strings.Contains(out, "later") {
		t.Errorf("tasks: exit %d\n%s", exit, out)
	}
	if out, _, exit := gaff(t, d, "jobs", "cancel", "later"); exit != 0 || out != "later is removed\n" {
		t.Errorf("cancel: exit %d\n%s", exit, out)
	}
	if a := d.do(t, "GET", "/v1/tasks/later", ""); a.status != http.StatusNotFound {
		t.Errorf("after that: %d %s", a.status, a.body)
	}

	if out, _, exit := gaff(t, d, "jobs", "enqueue", "mail", "--data", `{"to":"nobody"}`, "--id", "failing"); exit != 0 || out != "failing\n" {
		t.Errorf("enqueue: exit %d\n%s", exit, out)
	}
	a = d.eventually(t, "GET", "/v1/tasks?state=archived", "", func(a answer) bool { return a.at("0.id") == "failing" })
	if !strings.Contains(a.body, "no such person") || !strings.Contains(a.body, "jobs/mail.js:2:") {
		t.Errorf("archived: %s", a.body)
	}
	d.do(t, "POST", "/rest/ready", "{}")
	if out, _, exit := gaff(t, d, "jobs", "retry", "failing"); exit != 0 || out != "failing runs again\n" {
		t.Errorf("retry: exit %d\n%s", exit, out)
	}
	sent("nobody")
}
