package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestRegistryOfDev(t *testing.T) {
	t.Parallel()
	registry(t, startDev(t, copyProject(t)))
}

func TestRegistryOfCluster(t *testing.T) {
	t.Parallel()
	registry(t, startCluster(t, copyProject(t)))
}

// registry is what authors and operators do with releases, keys and apps; each test has an app of its own.
func registry(t *testing.T, d *deployment) {
	for name, test := range map[string]func(*testing.T, *deployment){
		"apply":       testApply,
		"canary":      testCanary,
		"two at once": testTwoAtOnce,
		"one broken":  testOneBroken,
		"etags":       testETags,
		"switches":    testSwitches,
		"keys":        testKeys,
		"apps":        testApps,
		"secrets":     testSecrets,
		"sessions":    testSessions,
		"audit":       testAudit,
		"recorded":    testRecordedCase,
		"doctor":      testDoctor,
		"description": testDescription,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// A person applies, compares, lists, and goes back and forth.
func testApply(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	if out := a.ok(t, "diff"); !strings.Contains(out, "+ hook a\n") || !strings.Contains(out, "+++ ") {
		t.Errorf("diff from nothing:\n%s", out)
	}
	if got := a.json(t, "apply"); got.at("release") != 1.0 || got.at("app") != a.app || got.at("hooks") != 2.0 || got.at("jobs") != 1.0 {
		t.Errorf("apply: %s", got.body)
	}
	if got := a.json(t, "apply"); got.at("unchanged") != true || got.at("release") != 1.0 {
		t.Errorf("apply again: %s", got.body)
	}
	a.serves(t, 1)
	a.write(t, generation(2))
	if out := a.ok(t, "diff"); !strings.Contains(out, "-exports.n = 1;\n+exports.n = 2;\n") {
		t.Errorf("diff:\n%s", out)
	}
	if got := a.json(t, "diff"); got.at("0.change") != "changed" || strings.Contains(got.body, `"job"`) {
		t.Errorf("diff for machines: %s", got.body)
	}
	if out := a.ok(t, "apply"); !strings.HasPrefix(out, "release 2 of "+a.app+", after release 1\n") {
		t.Errorf("apply:\n%s", out)
	}
	a.serves(t, 2)
	created := a.call(t, "POST", "/rest/item", "{}")
	if wrong := mixed(created, 2, ""); wrong != "" || created.status != http.StatusCreated || decided(created.header) != 2 {
		t.Errorf("create: %s, header %v", wrong, created.header)
	}
	got := a.json(t, "releases")
	if got.at("0.release") != 2.0 || got.at("0.current") != true || got.at("1.release") != 1.0 || got.at("0.by") != d.operator() || got.at("2") != nil {
		t.Errorf("releases: %s", got.body)
	}
	if out := a.ok(t, "rollback"); !strings.HasPrefix(out, "release 1 is current, after release 2") {
		t.Errorf("rollback: %s", out)
	}
	a.serves(t, 1)
	a.ok(t, "rollback", "2")
	a.serves(t, 2)
	a.fails(t, 1, []string{"rollback", "9"}, "NOT_FOUND", "gaff releases")
	a.fails(t, 2, []string{"rollback", "none"}, "not the number of a release")
	a.fails(t, 1, []string{"promote"}, "no release is tried")
	got = a.call(t, "GET", "/v1/releases/1", "")
	files, err := json.Marshal(generation(1))
	var kept struct{ Files json.RawMessage }
	if err != nil || json.Unmarshal([]byte(got.body), &kept) != nil || string(kept.Files) != string(files) {
		t.Errorf("release 1 as it is kept: %d %s", got.status, got.body)
	}
}

// operator is how audits name who has the operator's key.
func (d *deployment) operator() string {
	if d.key == "" {
		return "dev"
	}
	return "admin"
}

// While a release is tried, its share of the events sees it, always the same ones; the log and the lists show both.
func testCanary(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	a.ok(t, "apply")
	a.serves(t, 1)
	a.write(t, generation(2))
	if got := a.json(t, "apply", "--canary", "25%"); got.at("canary") != 25.0 || got.at("release") != 2.0 {
		t.Errorf("apply: %s", got.body)
	}
	if out := a.ok(t, "releases"); !strings.Contains(out, "canary 25 %") || !strings.Contains(out, "current") {
		t.Errorf("releases:\n%s", out)
	}
	a.settles(t)
	const total = 400
	tried := 0
	for i := range total {
		key := fmt.Sprint("customer-", i)
		first := a.ask(t, key)
		if again := a.ask(t, key); again != first {
			t.Errorf("%s sees release %d, then %d", key, first, again)
		}
		if first == 2 {
			tried++
		}
	}
	t.Logf("%d of %d keys see the canary of 25 %%", tried, total)
	if tried < total*15/100 || tried > total*35/100 {
		t.Errorf("%d of %d keys see the canary of 25 %%", tried, total)
	}
	hook := poll(t, "figures of both", func() (answer, bool) {
		got := a.json(t, "hooks", "get", "a")
		return got, got.at("byRelease.1.runs") != nil && got.at("byRelease.1.runs").(float64) >= float64(2*tried)
	})
	if hook.at("release") != 1.0 || hook.at("canaryRelease") != 2.0 || hook.at("byRelease.0.release") != 1.0 {
		t.Errorf("hook: %s", hook.body)
	}
	if out := a.ok(t, "hooks"); !strings.Contains(out, "RELEASE 1") || !strings.Contains(out, "CANARY 2") {
		t.Errorf("hooks:\n%s", out)
	}
	logged := a.ok(t, "logs", "--hook", "b", "-o", "json", "--limit", "5000")
	if !strings.Contains(logged, `"release":1`) || !strings.Contains(logged, `"release":2`) {
		t.Errorf("the log does not show both: %.500s", logged)
	}
	a.ok(t, "promote")
	a.serves(t, 2)
	a.write(t, generation(3))
	a.ok(t, "apply", "--canary", "50%")
	a.settles(t)
	if out := a.ok(t, "rollback"); !strings.Contains(out, "release 2 is current") || !strings.Contains(out, "release 3 is no longer tried") {
		t.Errorf("rollback: %s", out)
	}
	a.serves(t, 2)
	a.fails(t, 2, []string{"apply", "--canary", "100%"}, "1% to 99%")
}

// settles waits until every worker tries the canary: the same keys see it three times in a row.
func (a *tenant) settles(t *testing.T) {
	t.Helper()
	var last []uint64
	same := 0
	poll(t, "canary", func() (answer, bool) {
		var now []uint64
		for i := range 60 {
			now = append(now, a.ask(t, fmt.Sprint("probe", i)))
		}
		if same++; !slices.Equal(now, last) || slices.Min(now) == slices.Max(now) {
			same = 0
		}
		last = now
		return answer{body: fmt.Sprint(now)}, same == 2
	})
}

// Of several people who have compared with the same release, one applies; the others are told, and lose nothing.
func testTwoAtOnce(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	a.ok(t, "apply")
	const people = 4
	met := *a
	met.deployment = meeting(t, d, people)
	var authors []*tenant
	for i := range people {
		authors = append(authors, met.copy(t, generation(10+i)))
	}
	winner, conflicts := -1, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, author := range authors {
		wg.Go(func() {
			out, stderr, exit := author.cli(t, "", "apply")
			mu.Lock()
			defer mu.Unlock()
			switch {
			case exit == 0 && strings.HasPrefix(out, "release 2 of ") && winner < 0:
				winner = i
			case exit == 1 && strings.Contains(stderr, "CONFLICT") && strings.Contains(stderr, "gaff diff"):
				conflicts++
			default:
				t.Errorf("author %d: exit %d\n%s%s", i, exit, out, stderr)
			}
		})
	}
	wg.Wait()
	if winner < 0 || conflicts != people-1 {
		t.Fatalf("author %d won, %d have a conflict", winner, conflicts)
	}
	want := fmt.Sprintf("exports.n = %d;\n", 10+winner)
	if got := a.call(t, "GET", "/v1/releases/current", ""); got.at("release") != 2.0 || !strings.Contains(got.body, strings.TrimSpace(want)) {
		t.Errorf("current: %d %s", got.status, got.body)
	}
	for i, n := 0, 3; i < people; i++ {
		if i == winner {
			continue
		}
		author := a.copy(t, generation(10+i))
		if got := author.json(t, "apply"); got.at("release") != float64(n) {
			t.Errorf("apply after a conflict: %s", got.body)
		}
		n++
	}
	if got := a.json(t, "releases"); got.at("0.release") != 5.0 || got.at("3.release") != 2.0 || got.at("4.release") != 1.0 {
		t.Errorf("releases: %s", got.body)
	}
}

// meeting is the deployment behind a proxy, at which the requests that apply wait until so many are there.
func meeting(t *testing.T, d *deployment, people int) *deployment {
	t.Helper()
	target, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Add(people)
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			all.Done()
			all.Wait()
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	met := *d
	met.url = server.URL
	return &met
}

// A release with something wrong among 200 hooks changes nothing, and says where, all at once.
func testOneBroken(t *testing.T, d *deployment) {
	const many = 200
	project := strings.Builder{}
	files := map[string]string{}
	project.WriteString("hooks:\n")
	for i := range many {
		fmt.Fprintf(&project, "  - {service: item%d, script: hooks/h%d.js}\n", i, i)
		files[fmt.Sprintf("hooks/h%d.js", i)] = "function beforePOST(req, res) {\n  res.end({ data: { n: 1 } });\n}\n"
	}
	files["gaff.yaml"] = project.String()
	a := newTenant(t, d, files)
	if got := a.json(t, "apply"); got.at("hooks") != float64(many) {
		t.Errorf("apply: %s", got.body)
	}
	before := a.call(t, "GET", "/v1/releases", "")
	for path := range files {
		files[path] = strings.Replace(files[path], "n: 1", "n: 2", 1)
	}
	files["hooks/h117.js"] = "function beforePOST(req, res) {\n  res.end({ data: ;\n}\n"
	a.write(t, files)
	if _, stderr, exit := gaff(t, d, "check", a.dir); exit != 1 || !strings.Contains(stderr, "hooks/h117.js:2:19: ") {
		t.Errorf("check: exit %d\n%s", exit, stderr)
	}
	a.fails(t, 1, []string{"apply"}, "hooks/h117.js:2:19: ")
	files["gaff.yaml"] += "  - {service: item200, scrpt: hooks/h1.js}\n"
	body, err := json.Marshal(map[string]any{"files": files})
	if err != nil {
		t.Fatal(err)
	}
	got := a.call(t, "POST", "/v1/releases", string(body))
	if got.status != http.StatusBadRequest || got.at("error.code") != "VALIDATION" ||
		!strings.Contains(got.body, `"hooks/h117.js:2:19"`) || !strings.Contains(got.body, `"gaff.yaml:202:`) {
		t.Errorf("apply over HTTP: %d %s", got.status, got.body)
	}
	if after := a.call(t, "GET", "/v1/releases", ""); after.body != before.body || after.header.Get("ETag") != before.header.Get("ETag") {
		t.Errorf("releases: %s %s", after.header.Get("ETag"), after.body)
	}
	for _, i := range []int{0, 117, 199} {
		if got := a.call(t, "POST", fmt.Sprintf("/rest/item%d", i), "{}"); got.at("n") != 1.0 || decided(got.header) != 1 {
			t.Errorf("item%d: %d %s", i, got.status, got.body)
		}
	}
}

// A change that was decided upon what is no longer there is a conflict.
func testETags(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	none := a.call(t, "GET", "/v1/releases", "")
	if none.body != "[]" || none.header.Get("ETag") == "" {
		t.Errorf("no releases: %s, headers %v", none.body, none.header)
	}
	apply := func(n int, match string) answer {
		body, err := json.Marshal(map[string]any{"files": generation(n)})
		if err != nil {
			t.Fatal(err)
		}
		return a.call(t, "POST", "/v1/releases", string(body), "If-Match", match)
	}
	conflict := func(got answer) {
		t.Helper()
		if got.status != http.StatusConflict || got.at("error.code") != "CONFLICT" {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	one := apply(1, none.header.Get("ETag"))
	if one.status != http.StatusCreated || one.header.Get("ETag") == "" {
		t.Fatalf("apply: %d %s", one.status, one.body)
	}
	conflict(apply(2, none.header.Get("ETag")))
	two := apply(2, one.header.Get("ETag"))
	current := a.call(t, "GET", "/v1/releases/current", "")
	if two.status != http.StatusCreated || two.header.Get("ETag") != current.header.Get("ETag") || current.at("release") != 2.0 {
		t.Errorf("apply: %d %s, current %s", two.status, two.body, current.body)
	}
	old := []string{"If-Match", one.header.Get("ETag")}
	conflict(a.call(t, "POST", "/v1/releases/rollback", `{"release":1}`, old...))
	conflict(a.call(t, "POST", "/v1/releases/promote", "", old...))
	back := a.call(t, "POST", "/v1/releases/rollback", "", "If-Match", two.header.Get("ETag"))
	if back.status != http.StatusOK || back.at("release") != 1.0 {
		t.Errorf("rollback: %d %s", back.status, back.body)
	}
	for _, path := range []string{"/v1/hooks/a", "/v1/jobs/tidy"} {
		was := a.await(t, "GET", path, "", func(got answer) bool { return got.status == http.StatusOK }).header.Get("ETag")
		if got := a.call(t, "PATCH", path, `{"enabled":false}`, "If-Match", was); got.status != http.StatusOK || got.header.Get("ETag") == was {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		conflict(a.call(t, "PATCH", path, `{"enabled":true}`, "If-Match", was))
	}
}

// The example project of the repository passes its own cases, and what a person gets from gaff init does too.
func TestCases(t *testing.T) {
	t.Parallel()
	a := &tenant{deployment: &deployment{url: "http://127.0.0.1:1"}, dir: t.TempDir()} // no server is needed
	run := func(code int, args ...string) (stdout, stderr string) {
		t.Helper()
		p := start(t, nil, "gaff", args...)
		<-p.exited
		if got := p.cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("gaff %v: exit %d\n%s%s", args, got, p.out, p.err)
		}
		return p.out.String(), p.err.String()
	}
	run(0, "init", a.dir)
	out, _ := run(0, "test", a.dir)
	if !strings.Contains(out, "4 passed, 0 failed") || !strings.Contains(out, "coverage: ") || !strings.Contains(out, "hooks/customer.js") {
		t.Errorf("gaff test:\n%s", out)
	}
	if out, _ := run(0, "test", "../examples/earthquakes"); !strings.Contains(out, ", 0 failed") {
		t.Errorf("the example:\n%s", out)
	}
	path := filepath.Join(a.dir, "tests/customer.yaml")
	cases, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, strings.Replace(string(cases), "Welcome, Ann", "Bye, Ann", 1))
	out, _ = run(1, "test", a.dir)
	if !strings.Contains(out, "3 passed, 1 failed") || !strings.Contains(out, `want "Bye, Ann"`) || !strings.Contains(out, `got  "Welcome, Ann"`) {
		t.Errorf("a case that fails:\n%s", out)
	}
	out, _ = run(1, "test", a.dir, "-o", "json")
	if got := (answer{body: out}); got.at("0.ok") != false || got.at("0.differences.0.want") != "Bye, Ann" || got.at("3.ok") != true {
		t.Errorf("for machines: %s", out)
	}
	run(0, "test", a.dir, "--update")
	run(0, "test", a.dir)
	writeFile(t, path, string(cases)+"  expcet: {}\n")
	if out, stderr := run(1, "test", a.dir); !strings.Contains(out+stderr, "tests/customer.yaml:26:") {
		t.Errorf("an unknown key:\n%s%s", out, stderr)
	}
	event := filepath.Join(a.dir, "event.json")
	writeFile(t, event, `{"message":{"name":"Bob"}}`)
	out, stderr := run(0, "run", filepath.Join(a.dir, "hooks/customer.js"), "--event", event, "--function", "beforePOST")
	if (answer{body: out}).at("message.greeting") != "Welcome, Bob" && !strings.Contains(out, `"greeting": "Welcome, Bob"`) {
		t.Errorf("gaff run:\n%s%s", out, stderr)
	}
}
