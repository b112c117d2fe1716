package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	made := `{"id":"0123456789abcdef","key":"gaff_secret","app":"shop","name":"front","scopes":["data","rpc"],"expires":"2099-01-02T00:00:00Z"}`
	s := newServer(t, map[string]http.HandlerFunc{
		"POST /v1/keys": answer(201, made),
		"GET /v1/keys": answer(200, `[{"id":"0123456789abcdef","app":"shop","name":"front","scopes":["data"],"expires":"2001-01-02T00:00:00Z"},
			{"id":"1123456789abcdef","app":"shop","scopes":["admin"],"revoked":true}]`),
		"DELETE /v1/keys/0123456789abcdef": answer(204, ""),
	})
	warning := "Keep it safe: it is not shown again, and who has it may do data,rpc of app shop. `gaff keys revoke 0123456789abcdef` ends it.\n"
	create := []string{"keys", "create", "--scopes", "data,rpc", "--name", "front", "--app", "shop", "--expires", "2099-01-02T00:00:00Z"}
	code, stdout, stderr := s.gaff(t, "", create...)
	expect(t, "create", code, stdout, stderr, 0, "gaff_secret\n", warning)
	want := `POST /v1/keys app=shop Bearer k3y {"app":"shop","name":"front","scopes":["data","rpc"],"expires":"2099-01-02T00:00:00Z"}`
	if got := s.last(t); got != want {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", append(create, "-o", "json")...)
	expect(t, "create for machines", code, stdout, stderr, 0, made+"\n", warning)

	for _, args := range [][]string{{"keys"}, {"keys", "list"}} {
		code, stdout, stderr = s.gaff(t, "", args...)
		if code != 0 || stderr != "" || strings.Count(stdout, "\n") != 3 || !strings.Contains(stdout, "expired\n") ||
			!strings.Contains(stdout, "never") || !strings.HasSuffix(stdout, "revoked\n") {
			t.Errorf("%v: exit %d\n%s%s", args, code, stdout, stderr)
		}
	}
	code, stdout, stderr = s.gaff(t, "", "keys", "revoke", "0123456789abcdef")
	expect(t, "revoke", code, stdout, stderr, 0, "key 0123456789abcdef is worthless now\n", "")
	code, _, stderr = s.gaff(t, "", "keys", "revoke", "gaff_0123456789abcdef_topsecret")
	if code != exitUsage || strings.Contains(stderr, "topsecret") {
		t.Errorf("revoke by the key itself: exit %d\n%s", code, stderr)
	}
}

func TestParseExpiry(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	for given, want := range map[string]string{
		"": "", "90d": "2026-04-02T03:04:05Z", "12h": "2026-01-02T15:04:05Z", "2027-01-02T03:04:05+01:00": "2027-01-02T02:04:05Z",
		"0d": "error", "-1h": "error", "d": "error", "1.5d": "error", "90": "error", "2025-01-01": "error", "soon": "error",
		"99999999999999d": "error",
	} {
		at, err := parseExpiry(given, now)
		got := ""
		if err != nil {
			got = "error"
		} else if at != nil {
			got = at.Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", given, got, want)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{
		"PUT /v1/secrets/JWT":    answer(204, ""),
		"GET /v1/secrets":        answer(200, `[{"name":"JWT","changed":"2026-01-02T03:04:05Z"}]`),
		"DELETE /v1/secrets/JWT": answer(404, `{"error":{"code":"NOT_FOUND","message":"no secret JWT"}}`),
	})
	for stdin, want := range map[string]string{
		"top secret\n": "top secret", "top secret": "top secret", "two\nlines\r\n": "two\nlines", "line\n\n": "line\n",
	} {
		code, stdout, stderr := s.gaff(t, stdin, "secrets", "set", "JWT")
		expect(t, "set", code, stdout, stderr, 0, "secret JWT is set\n", "")
		quoted, _ := json.Marshal(want)
		if got := s.last(t); got != `PUT /v1/secrets/JWT app= Bearer k3y {"value":`+string(quoted)+`}` {
			t.Errorf("sent %s", got)
		}
	}
	asked := len(s.asked)
	for _, c := range []struct {
		stdin string
		args  []string
	}{{"", nil}, {"\n", nil}, {strings.Repeat("x", hooks.MaxSecret+1), nil}, {"x", []string{"topsecret"}}} {
		code, _, stderr := s.gaff(t, c.stdin, append([]string{"secrets", "set", "JWT"}, c.args...)...)
		if code != exitUsage || strings.Contains(stderr, "topsecret") || len(s.asked) != asked {
			t.Errorf("set %.20q %v: exit %d\n%s", c.stdin, c.args, code, stderr)
		}
	}
	_, stdout, _ := s.gaff(t, "", "secrets", "list", "-o", "json")
	if stdout != `[{"name":"JWT","changed":"2026-01-02T03:04:05Z"}]`+"\n" {
		t.Errorf("list: %s", stdout)
	}
	code, stdout, stderr := s.gaff(t, "", "secrets", "rm", "JWT")
	expect(t, "rm", code, stdout, stderr, 1, "", "gaff: NOT_FOUND: no secret JWT\n`gaff secrets list` shows the names that there are.\n")
}

func TestApps(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/apps":         answer(200, `[{"name":"shop","release":7,"hooks":2,"jobs":1,"plan":"metered","account":{"balance":9,"used":1},"paused":true,"created":"0001-01-01T00:00:00Z"},{"name":"new","plan":"unlimited"}]`),
		"PATCH /v1/apps/shop":  answer(200, `{"name":"shop","plan":"metered","account":{"balance":14,"used":1}}`),
		"POST /v1/apps":        answer(201, `{"name":"shop"}`),
		"DELETE /v1/apps/shop": answer(204, ""),
		"DELETE /v1/apps/none": answer(403, `{"error":{"code":"FORBIDDEN","message":"only operators"}}`),
	})
	code, stdout, stderr := s.gaff(t, "", "apps")
	expect(t, "list", code, stdout, stderr, 0,
		"APP   RELEASE  HOOKS  JOBS  PLAN       BALANCE  USED  EVENTS  CREATED\n"+
			"shop  7        2      1     metered    9        1     wait    -\nnew   -        0      0     unlimited  -        -     -       -\n", "")
	code, stdout, stderr = s.gaff(t, "", "apps", "plan", "shop", "metered", "--add", "5")
	expect(t, "plan", code, stdout, stderr, 0, "app shop is metered: it has 14 calls left and has used 1\n", "")
	if got := s.last(t); got != `PATCH /v1/apps/shop app= Bearer k3y {"plan":"metered","add":5}` {
		t.Errorf("sent %s", got)
	}
	for _, args := range [][]string{{"shop"}, {"shop", "gold"}, {"a.b", "free"}, {}} {
		if code, _, _ := s.gaff(t, "", append([]string{"apps", "plan"}, args...)...); code != exitUsage {
			t.Errorf("plan %v: exit %d", args, code)
		}
	}
	code, stdout, stderr = s.gaff(t, "", "apps", "create", "shop")
	expect(t, "create", code, stdout, stderr, 0, "app shop is there\n",
		"`gaff keys create --app shop --scopes admin` makes the key for its owner.\n")
	if got := s.last(t); got != `POST /v1/apps app= Bearer k3y {"name":"shop"}` {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", "apps", "delete", "shop", "-o", "json")
	expect(t, "delete", code, stdout, stderr, 0, "{\"deleted\":\"shop\"}\n", "")
	code, stdout, stderr = s.gaff(t, "", "apps", "delete", "none")
	expect(t, "forbidden", code, stdout, stderr, 1, "", "gaff: FORBIDDEN: only operators\nSet GAFF_KEY to a key that may do this.\n")
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	good := `{"name":"NATS","ok":true,"detail":"2.15"}`
	bad := `{"name":"Redis","ok":false,"detail":"eviction is\nallkeys-lru: set noeviction"}`
	for _, c := range []struct {
		findings, want string
		code           int
	}{
		{"[" + good + `,{"name":"clock","ok":true}]`, "ok    NATS: 2.15\nok    clock\n", 0},
		{"[" + good + "," + bad + "]", "ok    NATS: 2.15\nFAIL  Redis: eviction is allkeys-lru: set noeviction\n", 1},
	} {
		s := newServer(t, map[string]http.HandlerFunc{"GET /v1/doctor": answer(200, c.findings)})
		code, stdout, stderr := s.gaff(t, "", "doctor")
		expect(t, "doctor", code, stdout, stderr, c.code, c.want, "")
		code, stdout, stderr = s.gaff(t, "", "doctor", "-o", "json")
		expect(t, "doctor for machines", code, stdout, stderr, c.code, c.findings+"\n", "")
	}
	s := newServer(t, map[string]http.HandlerFunc{"GET /v1/doctor": answer(200, "[]")})
	code, stdout, stderr := s.gaff(t, "", "doctor")
	expect(t, "nothing", code, stdout, stderr, 1, "", "gaff: the server has checked nothing\n")
}
