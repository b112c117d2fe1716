package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const hookList = `[{"name":"customer","service":"customer","functions":["beforePOST","afterPOST"],"script":"hooks/customer.js","release":7,
 "canaryRelease":8,"enabled":true,"timeout":"2s","lastRun":{"time":"2026-01-02T03:04:05Z","status":"rejected","ms":1.5},"runs":90,"errors":3,
 "errorRate":0.033,"byRelease":[{"release":6,"runs":10,"errors":0},{"release":7,"runs":70,"errors":0},{"release":8,"runs":10,"errors":3}]},
 {"name":"new","service":"Event","operation":"send\u001bEvent","phase":"before","functions":["before"],"script":"n.js","canaryRelease":8,"enabled":false}]`

func TestHooks(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Local().Format("2006-01-02 15:04:05")
	s := newServer(t, map[string]http.HandlerFunc{"GET /v1/hooks": answer(200, hookList)})
	code, stdout, stderr := s.gaff(t, "", "hooks", "--app", "shop")
	expect(t, "hooks", code, stdout, stderr, 0,
		"HOOK      FOR                              SCRIPT             STATE  LAST RUN                             RUNS  ERRORS     RELEASE 7           CANARY 8\n"+
			"customer  customer: beforePOST, afterPOST  hooks/customer.js  on     "+at+" rejected 1.50ms  90    3 (3.3 %)  70 runs, no errors  10 runs, 3 (30.0 %)\n"+
			"new       before Event send\uFFFDEvent          n.js               off    -                                    0     -          -                   0 runs, no errors\n", "")
	_, stdout, _ = s.gaff(t, "", "hooks", "-o", "json")
	if strings.Count(stdout, "\n") != 1 || !strings.HasPrefix(stdout, `[{"name":"customer","service"`) {
		t.Errorf("json: %s", stdout)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	next := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Local().Format("2006-01-02 15:04:05")
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/jobs": answer(200, `[{"name":"nightly","schedule":"0 3 * * *","timezone":"UTC","next":"2026-01-02T03:04:05Z",
			"script":"n.js","release":7,"enabled":true,"runs":1}]`),
		"POST /v1/jobs/nightly/run": answer(202, `{"id":"r1"}`),
		"GET /v1/methods":           answer(200, `[]`),
	})
	code, stdout, stderr := s.gaff(t, "", "jobs")
	expect(t, "jobs", code, stdout, stderr, 0,
		"JOB      SCHEDULE       NEXT                 SCRIPT  STATE  LAST RUN  RUNS  ERRORS  RELEASE\n"+
			"nightly  0 3 * * * UTC  "+next+"  n.js    on     -         1     -       7\n", "")
	code, stdout, stderr = s.gaff(t, "", "jobs", "run", "nightly")
	expect(t, "run", code, stdout, stderr, 0, "r1\n", "nightly is on its way: `gaff logs --id r1` shows how it ends.\n")
	code, stdout, stderr = s.gaff(t, "", "jobs", "run", "nightly", "-o", "json")
	expect(t, "run for machines", code, stdout, stderr, 0, "{\"id\":\"r1\"}\n", "")
	code, stdout, stderr = s.gaff(t, "", "methods")
	expect(t, "methods", code, stdout, stderr, 0, "", "There are no methods: `gaff apply` registers a project's.\n")
	code, stdout, stderr = s.gaff(t, "", "methods", "-o", "json")
	expect(t, "methods for machines", code, stdout, stderr, 0, "[]\n", "")
}

func TestHook(t *testing.T) {
	t.Parallel()
	one := `{"name":"a","enabled":true,"functions":["before"],"params":{"x":"\u001b"},"none":[]}`
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/hooks/a":   answer(200, one),
		"PATCH /v1/hooks/a": answer(200, one),
		"GET /v1/hooks/b":   answer(404, `{"error":{"code":"NOT_FOUND","message":"app shop has no hook b"}}`),
	})
	code, stdout, stderr := s.gaff(t, "", "hooks", "get", "a")
	expect(t, "get", code, stdout, stderr, 0, "name: a\nenabled: true\nfunctions:\n  - before\nparams:\n  x: \"\\u001b\"\nnone: []\n", "")
	code, stdout, stderr = s.gaff(t, "", "hooks", "disable", "a", "--app", "shop")
	expect(t, "disable", code, stdout, stderr, 0, "hook a is off\n", "")
	if got := s.last(t); got != `PATCH /v1/hooks/a app=shop Bearer k3y {"enabled":false}` {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", "hooks", "enable", "a", "-o", "json")
	expect(t, "enable", code, stdout, stderr, 0, one+"\n", "")
	code, stdout, stderr = s.gaff(t, "", "hooks", "get", "b")
	expect(t, "unknown", code, stdout, stderr, 1, "", "gaff: NOT_FOUND: app shop has no hook b\n`gaff hooks` lists those that there are.\n")
}
