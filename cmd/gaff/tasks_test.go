package main

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTasks(t *testing.T) {
	t.Parallel()
	due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Local().Format("2006-01-02 15:04:05")
	const list = `[{"id":"o1","job":"mail","state":"retry","due":"2026-01-02T03:04:05Z","scheduledAt":"2026-01-02T03:00:00Z",
		"created":"2026-01-02T03:00:00Z","manual":true,"attempts":2,"error":"HOOK_ERROR: no\u001bluck"}]`
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/tasks":           answer(200, list),
		"POST /v1/tasks/o1/retry": answer(202, `{"id":"o1"}`),
		"DELETE /v1/tasks/o1":     answer(200, `{"cancelled":1}`),
		"DELETE /v1/tasks/o2":     answer(404, `{"error":{"code":"NOT_FOUND","message":"app default has no task o2"}}`),
	})
	code, stdout, stderr := s.gaff(t, "", "jobs", "tasks", "--job", "mail", "--state", "retry")
	expect(t, "tasks", code, stdout, stderr, 0,
		"ID  JOB   STATE  DUE                  FAILED  ERROR\no1  mail  retry  "+due+"  2       HOOK_ERROR: no\uFFFDluck\n", "")
	if got := s.last(t); !strings.HasPrefix(got, "GET /v1/tasks") {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", "jobs", "retry", "o1")
	expect(t, "retry", code, stdout, stderr, 0, "o1 runs again\n", "")
	code, stdout, stderr = s.gaff(t, "", "jobs", "delete", "o1", "o2")
	expect(t, "delete", code, stdout, stderr, 1, "o1 is removed\n",
		"gaff: NOT_FOUND: app default has no task o2\n`gaff jobs tasks` lists those that there are.\n")
	code, stdout, stderr = s.gaff(t, "", "jobs", "cancel", "a/b")
	expect(t, "bad id", code, stdout, stderr, 2, "", "gaff: \"a/b\" is not the id of a run: `gaff jobs tasks` lists them\n")
}

func TestEnqueue(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{"POST /v1/jobs/mail/enqueue": answer(202, `{"id":"o1","existing":true}`)})
	code, stdout, stderr := s.gaff(t, `{"n": 1}`, "jobs", "enqueue", "mail", "--data", "-", "--delay", "5m", "--id", "o1")
	expect(t, "enqueue", code, stdout, stderr, 0, "o1\n", "It was ordered before, and is not ordered again.\n")
	if got := s.last(t); !strings.HasSuffix(got, `{"delay":"5m","id":"o1","payload":{"n":1}}`) {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", "jobs", "enqueue", "mail", "--data", "{")
	expect(t, "bad data", code, stdout, stderr, 2, "", "gaff: --data: not valid JSON\n")
	code, _, _ = s.gaff(t, "", "jobs", "enqueue", "m.x")
	if code != 2 {
		t.Errorf("bad name: exit %d", code)
	}
}
