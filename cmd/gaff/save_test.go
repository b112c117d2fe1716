package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func runsOf(t *testing.T, records ...hooks.Record) *server {
	t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i := range records {
		r := &records[i]
		r.Time, r.Event, r.Release = at.Add(time.Duration(i)*time.Second), "e1", 7
	}
	b, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	return newServer(t, map[string]http.HandlerFunc{"GET /v1/logs": answer(200, string(b))})
}

func raws(values ...string) []json.RawMessage {
	list := make([]json.RawMessage, len(values))
	for i, v := range values {
		list[i] = json.RawMessage(v)
	}
	return list
}

const (
	beforeInput = `{"service":"customer","operation":"PUT","phase":"before","id":"e1","key":"a","depth":1,"message":{"name":"Ann","pin":"***"},
		"original":{"_id":"a","name":"Bo"},"headers":{"x-apikey":"***"}}`
	afterInput = `{"service":"customer","operation":"PUT","phase":"after","id":"e1","result":{"_id":"a"}}`
)

func TestLogsSave(t *testing.T) {
	t.Parallel()
	s := runsOf(t,
		hooks.Record{Kind: hooks.KindHook, Name: "customer", Function: "beforePUT", Status: hooks.StatusOK, Attempt: 1,
			Input: json.RawMessage(beforeInput), Verdict: json.RawMessage(`{"status":200,"message":{"name":"ANN"},"warnings":["w"]}`),
			Log: []hooks.LogLine{{Text: "token ***"}, {Text: "/a.b/"}},
			Calls: []hooks.HostCall{
				{Name: "db.get", Args: raws(`"/rest/total/t1"`), Result: json.RawMessage(`{"_id":"t1","count":1,"_version":3,"_created":"x"}`)},
				{Name: "db.put", Args: raws(`"/rest/total/t1"`, `{"count":2}`), Result: json.RawMessage(`{"_id":"t1","count":2}`)},
				{Name: "db.get", Args: raws(`"/rest/total?q={}"`), Result: json.RawMessage(`[{"_id":"t1","count":2},{"_id":"t2"}]`)},
				{Name: "db.post", Args: raws(`"/rest/note"`, `{"text":"hi"}`), Result: json.RawMessage(`{"_id":"n1"}`)},
				{Name: "db.get", Args: raws(`"/rest/note/n1"`), Result: json.RawMessage(`{"_id":"n1"}`)},
				{Name: "request", Args: raws(`"9999 bytes, too many to record"`)},
			}},
		hooks.Record{Kind: hooks.KindHook, Name: "guard", Function: "before", Status: hooks.StatusFailed, Attempt: 1,
			Input: json.RawMessage(beforeInput), Verdict: json.RawMessage(`{"status":500,"error":{"code":"HOOK_ERROR","message":"first"}}`)},
		hooks.Record{Kind: hooks.KindAudit, Name: "release-apply"},
		hooks.Record{Kind: hooks.KindHook, Name: "customer", Function: "afterPUT", Status: hooks.StatusOK, Attempt: 1,
			Input: json.RawMessage(afterInput), Verdict: json.RawMessage(`{"status":200}`)},
		hooks.Record{Kind: hooks.KindHook, Name: "guard", Function: "before", Status: hooks.StatusRejected, Attempt: 2,
			Input:   json.RawMessage(beforeInput),
			Verdict: json.RawMessage(`{"status":403,"error":{"code":"REJECTED","message":"no","hook":"guard.before"}}`)},
	)
	file := filepath.Join(t.TempDir(), "tests", "put.yaml")
	code, stdout, stderr := s.gaff(t, "", "logs", "--id", "e1", "--save", file)
	expect(t, "save", code, stdout, stderr, 0, file+"\n",
		"Run it with `gaff test`. Values that differ from run to run, such as times, must go from what is expected.\n")
	if got := s.last(t); got != "GET /v1/logs?id=e1 app= Bearer k3y" {
		t.Errorf("sent %s", got)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/saved.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("got\n%s", got)
	}
	code, _, stderr = s.gaff(t, "", "logs", "--id", "e1", "--save", file)
	if code != 1 || stderr != "gaff: "+file+" exists: nothing is written\n" {
		t.Errorf("again: exit %d\n%s", code, stderr)
	}
}

func TestLogsSaveJob(t *testing.T) {
	t.Parallel()
	s := runsOf(t, hooks.Record{Kind: hooks.KindJob, Name: "nightly", Function: "runJob", Status: hooks.StatusOK, Attempt: 1, End: "3 done"})
	file := filepath.Join(t.TempDir(), "nightly.yaml")
	if code, _, stderr := s.gaff(t, "", "logs", "--id", "e1", "--save", file); code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	got, err := os.ReadFile(file)
	want := "# Recorded from event e1, release 7. Secrets are ***.\nname: \"job nightly: ok\"\njob: nightly\nexpect:\n  end: \"3 done\"\n"
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}

func TestLogsSaveNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "x.yaml")
	for name, c := range map[string]struct {
		s    *server
		args []string
		code int
		want string
	}{
		"no runs":   {runsOf(t), []string{"--id", "e1"}, 1, "the log has no run of event \"e1\""},
		"too large": {runsOf(t, hooks.Record{Kind: hooks.KindHook, Name: "a"}), []string{"--id", "e1"}, 1, "the record of a has not kept its event"},
		"no id":     {runsOf(t), nil, 2, "name it with --id"},
		"follow":    {runsOf(t), []string{"--id", "e1", "-f"}, 2, "leave out -f"},
	} {
		code, stdout, stderr := c.s.gaff(t, "", append([]string{"logs", "--save", file}, c.args...)...)
		if code != c.code || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d\n%s%s", name, code, stdout, stderr)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
