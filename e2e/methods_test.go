package e2e

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
)

// startMethods starts a cluster with the project of methods on real servers; the tables of its PostgreSQL are there.
func startMethods(t *testing.T, extra ...string) *deployment {
	t.Helper()
	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS("testdata/methods")); err != nil {
		t.Fatal(err)
	}
	postgres := newSchema(t)
	conn, err := pgx.Connect(t.Context(), postgres)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "create table users (id int8 primary key, email text, last_seen timestamptz);"+
		"create table account (name text primary key, amount int check (amount >= 0)); insert into account values ('a', 100), ('b', 0)")
	if err != nil {
		t.Fatal(err)
	}
	redis, err := url.Parse(need(t, "GAFF_TEST_REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	redis.Path = "/9"
	return startCluster(t, project, append([]string{
		"GAFF_SERVICE_REDIS=" + redis.String(), "GAFF_SERVICE_POSTGRES=" + postgres, "GAFF_SERVICE_MYSQL=" + need(t, "GAFF_TEST_MYSQL_URL"),
	}, extra...)...)
}

// rpc calls a method.
func (d *deployment) rpc(t *testing.T, service, method, payload string) answer {
	t.Helper()
	return d.do(t, "POST", "/rpc", fmt.Sprintf(`{"requestId":"r1","service":%q,"method":%q,"payload":%s}`, service, method, payload))
}

func (a answer) want(t *testing.T, status int, parts ...string) answer {
	t.Helper()
	for _, part := range append(parts, `"requestId":"r1"`, fmt.Sprintf(`"ok":%v`, status < 400)) {
		if a.status != status || !strings.Contains(a.body, part) {
			t.Errorf("got %d %s, want %d with %s", a.status, a.body, status, part)
		}
	}
	return a
}

func TestMethods(t *testing.T) {
	t.Parallel()
	d := startMethods(t)
	t.Run("worked examples", func(t *testing.T) { testWorkedExamples(t, d) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, d) })
	t.Run("hooks", func(t *testing.T) { testMethodHooks(t, d) })
	t.Run("transactions", func(t *testing.T) { testTransactions(t, d) })
	t.Run("over NATS", func(t *testing.T) { testCallOverNATS(t, d) })
	t.Run("switched off", func(t *testing.T) { testSwitchMethod(t, d) })
	t.Run("other apps", func(t *testing.T) { testMethodsOfOtherApps(t, d) })
	t.Run("killed worker", func(t *testing.T) { testKilledInCall(t, d) })
}

func testWorkedExamples(t *testing.T, d *deployment) {
	board := "leaderboard" + rand.Text()
	d.rpc(t, "redis", "call", `{"command":"ZADD","args":["`+board+`",10,"ann",30,"bob",20,"cid"]}`).want(t, 200, `"result":3`)
	d.rpc(t, "redis", "topUsers", `{"keys":["`+board+`"],"args":[2]}`).want(t, 200, `"result":["bob","cid"]`)
	d.rpc(t, "redis", "topUsers", `{"args":["`+board+`",1]}`).want(t, 200, `"result":["bob"]`)
	d.rpc(t, "postgres", "addUser", `{"params":[1,"ann@x",1]}`).want(t, 200, `"rowCount":1`)
	d.rpc(t, "postgres", "addUser", `{"args":[2,"bob@x","40"]}`).want(t, 200)
	d.rpc(t, "postgres", "activeUsers", `{"params":[30]}`).want(t, 200,
		`"result":{"rows":[{"id":1,"email":"ann@x"}],"rowCount":1,"fields":[{"name":"id"},{"name":"email"}]}`)
	d.rpc(t, "redis", "cacheUser", `{"args":["42","{\"name\":\"Ann\"}"]}`).want(t, 200, `"result":["OK",1]`)
	d.rpc(t, "redis", "multi", `{"commands":[["GET","user:42"],{"command":"TTL","args":["user:42"]}]}`).want(t, 200, `["{\"name\":\"Ann\"}",3`)
	d.rpc(t, "mysql", "version", `{}`).want(t, 200, `"fields":["v"]`)
	d.rpc(t, "math", "add", `{"args":[1,2]}`).want(t, 200, `"result":{"sum":3,"service":"math","phase":"call"}`)
	d.rpc(t, "postgres", "query", `{"sql":"select $1::int8 v","params":["9007199254740993"]}`).want(t, 200, `"v":"9007199254740993"`)
	a := d.eventually(t, "GET", "/v1/logs?kind=method&limit=1000", "", func(a answer) bool { return strings.Contains(a.body, `"name":"topUsers"`) })
	if !strings.Contains(a.body, `"kind":"method","service":"redis"`) && !strings.Contains(a.body, `"service":"redis"`) {
		t.Errorf("records: %.500s", a.body)
	}
}

func testRefusals(t *testing.T, d *deployment) {
	for _, c := range []struct {
		service, method, payload string
		status                   int
		code                     string
	}{
		{"redis", "nobody", `{}`, 404, "HOOK_NOT_FOUND"},
		{"redis", "nobody", `[]`, 404, "HOOK_NOT_FOUND"}, // before the payload is looked at
		{"nowhere", "topUsers", `{}`, 404, "HOOK_NOT_FOUND"},
		{"re dis", "topUsers", `{}`, 400, "BAD_NAME"},
		{"redis", "topUsers", `[]`, 400, "BAD_REQUEST"},
		{"redis", "cacheUser", `{"args":["1"]}`, 400, "BAD_REQUEST"},
		{"redis", "cacheUser", `{"arg":["1"]}`, 400, "BAD_REQUEST"},
		{"postgres", "activeUsers", `{"params":[]}`, 400, "BAD_REQUEST"},
		{"postgres", "activeUsers", `{"params":["many"]}`, 400, "BAD_REQUEST"},
		{"postgres", "addUser", `{"params":[1,"again",0]}`, 409, "CONFLICT"},
		{"postgres", "slow", `{}`, 504, "HOOK_TIMEOUT"},
		{"postgres", "query", `{"sql":"select * from nowhere"}`, 502, "SERVICE_ERROR"},
		{"postgres", "query", `{"sql":"drop table users"}`, 403, "FORBIDDEN"},
		{"postgres", "query", `{"sql":"select 1; select 2"}`, 400, "BAD_REQUEST"},
		{"mysql", "query", `{"sql":"select 1"}`, 403, "FORBIDDEN"},
		{"redis", "call", `{"command":"FLUSHALL"}`, 403, "FORBIDDEN"},
		{"redis", "broken", `{}`, 502, "SERVICE_ERROR"},
		{"math", "refuse", `{}`, 418, "TEAPOT"},
	} {
		d.rpc(t, c.service, c.method, c.payload).want(t, c.status, `"code":"`+c.code+`"`, `"status":`+fmt.Sprint(c.status))
	}
	d.rpc(t, "postgres", "addUser", `{"params":[1,"again",0]}`).want(t, 409, `"sqlstate":"23505"`)
}

func testMethodHooks(t *testing.T, d *deployment) {
	board := "leaderboard" + rand.Text()
	d.rpc(t, "redis", "call", `{"args":["ZADD","`+board+`",1,"ann",2,"bob"]}`).want(t, 200)
	d.rpc(t, "redis", "topUsers", `{"keys":["`+board+`"],"args":[101]}`).want(t, 403, `"message":"too many"`, `"hook":"guard.before"`)
	d.rpc(t, "redis", "topUsers", `{"keys":["`+board+`"],"args":[0]}`).want(t, 200, `"result":["bob"]`)
	user := rand.Text()
	d.rpc(t, "redis", "cacheUser", `{"args":["`+user+`","x"]}`).want(t, 200)
	d.eventually(t, "GET", "/rest/cached?q="+url.QueryEscape(`{"user":"`+user+`"}`), "", func(a answer) bool {
		return strings.Contains(a.body, `"result":["OK",1]`)
	})
	d.rpc(t, "redis", "broken", `{"args":[1]}`).want(t, 200, `"result":"softened: SERVICE_ERROR"`)
}

func testTransactions(t *testing.T, d *deployment) {
	d.rpc(t, "postgres", "move", `{"args":[30,"a","b"]}`).want(t, 200)
	d.rpc(t, "postgres", "move", `{"args":[-1000,"a","b"]}`).want(t, 400, `"sqlstate":"23514"`, `"step":2`)
	d.rpc(t, "postgres", "query", `{"sql":"select array_agg(amount order by name) v from account"}`).want(t, 200, `"v":[70,30]`)
}

func testCallOverNATS(t *testing.T, d *deployment) {
	nc, err := nats.Connect(d.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	for method, want := range map[string]string{"add": `{"ok":true,"result":{"sum":5,`, "none": `{"ok":false,"error":{"status":404,"code":"HOOK_NOT_FOUND"`} {
		m := &nats.Msg{Subject: d.subject("call", "default.math."+method), Data: []byte(`{"id":"n1","message":{"args":[2,3]}}`)}
		reply, err := nc.RequestMsg(m, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(reply.Data); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func testSwitchMethod(t *testing.T, d *deployment) {
	out, stderr, exit := gaff(t, d, "methods", "get", "math.add", "-o", "json")
	if exit != 0 || !strings.Contains(out, `"id":"math.add"`) {
		t.Errorf("get: exit %d\n%s%s", exit, out, stderr)
	}
	if out, _, exit = gaff(t, d, "methods", "disable", "add"); exit != 0 {
		t.Fatalf("disable: exit %d\n%s", exit, out)
	}
	call := `{"requestId":"r1","service":"math","method":"add","payload":{"args":[1,2]}}`
	d.eventually(t, "POST", "/rpc", call, func(a answer) bool { return a.status == http.StatusNotFound })
	if out, _, exit = gaff(t, d, "methods", "enable", "math.add"); exit != 0 {
		t.Fatalf("enable: exit %d\n%s", exit, out)
	}
	d.eventually(t, "POST", "/rpc", call, func(a answer) bool { return a.status == http.StatusOK })
	if out, _, exit = gaff(t, d, "methods"); exit != 0 || !strings.Contains(out, "topUsers") {
		t.Errorf("list: exit %d\n%s", exit, out)
	}
}

func testMethodsOfOtherApps(t *testing.T, d *deployment) {
	if a := d.do(t, "POST", "/v1/apps", `{"name":"shop"}`); a.status >= 300 {
		t.Fatalf("app: %d %s", a.status, a.body)
	}
	for _, method := range []string{"topUsers", "call"} {
		a := d.do(t, "POST", "/rpc", `{"requestId":"r1","service":"redis","method":"`+method+`","payload":{"args":["GET","x"]}}`, "Gaff-App", "shop")
		a.want(t, 404, `"code":"HOOK_NOT_FOUND"`)
	}
}

// testKilledInCall kills the worker that has a call: its caller learns of it soon, and the call is not made again.
func testKilledInCall(t *testing.T, d *deployment) {
	ended := make(chan answer, 1)
	began := time.Now()
	go func() {
		a, _ := d.try(t.Context(), "POST", "/rpc", `{"requestId":"r1","service":"postgres","method":"patient"}`)
		ended <- a
	}()
	running := `{"requestId":"r1","service":"postgres","method":"query","payload":{"sql":"select count(*)::int n from pg_stat_activity where state = 'active' and query = $1","params":["select pg_sleep(20)\n"]}}`
	d.eventually(t, "POST", "/rpc", running, func(a answer) bool { return strings.Contains(a.body, `"n":1`) })
	for _, w := range d.workers {
		w.signal(syscall.SIGKILL)
	}
	a := <-ended
	a.want(t, 500, `"code":"HOOK_CRASHED"`, `"outcome":"unknown"`)
	if time.Since(began) > 15*time.Second {
		t.Errorf("told only after %v", time.Since(began))
	}
}

// TestMethodsInDev: gaff dev has a Redis of its own for methods, and scripts call them.
func TestMethodsInDev(t *testing.T) {
	t.Parallel()
	project := t.TempDir()
	if err := os.CopyFS(project, os.DirFS("testdata/methods")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, project+"/methods/add.js", "async function call(req, res) {\n"+
		"  res.end(await rpc('redis', 'topUsers', { keys: req.body.keys, args: [1] }));\n}\n")
	d := startDev(t, project)
	d.rpc(t, "redis", "multi", `{"commands":[["ZADD","board",1,"ann"],["ZADD","board",2,"bob"],["EXPIRE","board",60]]}`).want(t, 200, `"result":[1,1,1]`)
	d.rpc(t, "redis", "topUsers", `{"keys":["board"],"args":[2]}`).want(t, 200, `"result":["bob","ann"]`)
	d.rpc(t, "math", "add", `{"keys":["board"]}`).want(t, 200, `"result":["bob"]`)
	d.rpc(t, "redis", "cacheUser", `{"args":["7","x"]}`).want(t, 200, `"result":["OK",1]`)
	d.rpc(t, "postgres", "activeUsers", `{"params":[30]}`).want(t, 503, `"code":"UNAVAILABLE"`, "GAFF_SERVICE_POSTGRES")
}
