package e2e

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// newKey makes a key by the command line, and returns its id and the key.
func (a *tenant) newKey(t *testing.T, scopes string, more ...string) (id, key string) {
	t.Helper()
	got := a.json(t, append([]string{"keys", "create", "--scopes", scopes}, more...)...)
	id, _ = got.at("id").(string)
	key, _ = got.at("key").(string)
	if id == "" || !strings.HasPrefix(key, "gaff_"+id+"_") {
		t.Fatalf("keys create: %s", got.body)
	}
	return id, key
}

// A key opens what its scopes say, of its own app, as long as it is valid.
func testKeys(t *testing.T, d *deployment) {
	a, other := newTenant(t, d, generation(1)), newTenant(t, d, generation(2))
	a.ok(t, "apply")
	other.ok(t, "apply")
	a.serves(t, 1)
	routes := []struct{ scope, method, path, body string }{
		{"data", "GET", "/rest/item", ""},
		{"api", "POST", eventPath, eventBody("k")},
		{"log", "GET", "/v1/logs", ""},
		{"admin", "GET", "/v1/hooks", ""},
		{"admin", "GET", "/v1/keys", ""},
		{"operator", "GET", "/v1/apps", ""},
		{"operator", "GET", "/v1/doctor", ""},
	}
	var shown []string
	for _, scope := range []string{"data", "rpc", "api", "log", "admin", "data,log"} {
		_, key := a.newKey(t, scope, "--name", "for "+scope)
		shown = append(shown, key)
		holder := a.with(key)
		poll(t, "a new key", func() (answer, bool) {
			got := holder.do(t, "GET", "/rest/item", "")
			return got, got.status != http.StatusUnauthorized
		})
		for _, r := range routes {
			want := http.StatusForbidden
			if strings.Contains(scope, r.scope) || scope == "admin" && r.scope != "operator" {
				want = http.StatusOK
			}
			if got := holder.do(t, r.method, r.path, r.body); got.status != want || want == http.StatusForbidden && got.at("error.code") != "FORBIDDEN" {
				t.Errorf("scope %s, %s: %d %s", scope, r.path, got.status, got.body)
			}
			if got := holder.do(t, r.method, r.path, r.body, "Gaff-App", other.app); got.status != http.StatusForbidden {
				t.Errorf("scope %s, %s of another app: %d %s", scope, r.path, got.status, got.body)
			}
		}
	}
	listed := a.json(t, "keys")
	if listed.at("5.id") == nil || listed.at("6") != nil || strings.Contains(listed.body, "hash") {
		t.Errorf("keys: %s", listed.body)
	}
	for _, key := range shown {
		if secret := key[len("gaff_0123456789abcdef_"):]; strings.Contains(listed.body, secret) {
			t.Error("a key is shown twice")
		}
	}
	a.with(shown[4]).ok(t, "releases")
	a.with(shown[0]).fails(t, 1, []string{"releases"}, "FORBIDDEN", "GAFF_KEY")
	testEndOfKeys(t, a)
}

// testEndOfKeys: what is revoked, expired, forged or malformed opens nothing.
func testEndOfKeys(t *testing.T, a *tenant) {
	refused := func(what, key string) {
		t.Helper()
		poll(t, what, func() (answer, bool) {
			got := a.with(key).do(t, "GET", "/rest/item", "")
			return got, got.status == http.StatusUnauthorized && got.at("error.code") == "UNAUTHORIZED" && !strings.Contains(got.body, key)
		})
	}
	id, key := a.newKey(t, "data")
	a.with(key).await(t, "GET", "/rest/item", "", func(got answer) bool { return got.status == http.StatusOK })
	a.ok(t, "keys", "revoke", id)
	refused("a revoked key", key)
	a.fails(t, 1, []string{"keys", "revoke", "0123456789abcdef"}, "NOT_FOUND", "gaff keys list")
	a.fails(t, 2, []string{"keys", "create", "--scopes", "everything"}, "everything")
	_, brief := a.newKey(t, "data", "--expires", "1s")
	refused("an expired key", brief)
	refused("a forged key", key[:len(key)-6]+"AAAAAA")
	if a.key != "" { // gaff dev needs none
		refused("a malformed key", "gaff_xyz")
		if got := a.with("").do(t, "GET", "/rest/item", ""); got.status != http.StatusUnauthorized {
			t.Errorf("no key: %d %s", got.status, got.body)
		}
	}
}

// The operator makes and deletes apps; what one has, another does not see.
func testApps(t *testing.T, d *deployment) {
	a, other := newTenant(t, d, generation(1)), newTenant(t, d, generation(2))
	a.ok(t, "apply")
	other.ok(t, "apply")
	out, _, exit := gaff(t, d, "apps", "-o", "json")
	if exit != 0 || !strings.Contains(out, `"name":"`+a.app+`"`) && !strings.Contains(out, `"name": "`+a.app+`"`) {
		t.Errorf("apps: exit %d\n%s", exit, out)
	}
	if _, stderr, exit := gaff(t, d, "apps", "create", a.app); exit != 1 || !strings.Contains(stderr, "CONFLICT") {
		t.Errorf("apps create, again: exit %d\n%s", exit, stderr)
	}
	if _, _, exit := gaff(t, d, "apps", "create", "no.name"); exit != 2 {
		t.Errorf("apps create no.name: exit %d", exit)
	}
	a.serves(t, 1)
	other.serves(t, 1)
	if got := a.call(t, "POST", "/rest/item", `{"_id":"mine"}`); got.at("a") != 1.0 {
		t.Errorf("a document: %d %s", got.status, got.body)
	}
	if got := other.call(t, "GET", "/rest/item/mine", ""); got.status != http.StatusNotFound {
		t.Errorf("another app's document: %d %s", got.status, got.body)
	}
	_, key := a.newKey(t, "admin")
	admin := a.with(key)
	admin.await(t, "GET", "/v1/releases", "", func(got answer) bool { return got.status == http.StatusOK })
	if _, stderr, exit := gaff(t, admin.deployment, "apps", "delete", other.app, "--yes"); exit != 1 || !strings.Contains(stderr, "FORBIDDEN") {
		t.Errorf("an app's admin deletes another: exit %d\n%s", exit, stderr)
	}
	if _, stderr, exit := gaff(t, d, "apps", "delete", a.app, "--yes"); exit != 0 {
		t.Errorf("apps delete: exit %d\n%s", exit, stderr)
	}
	poll(t, "the key of a deleted app", func() (answer, bool) {
		got := admin.do(t, "GET", "/v1/releases", "")
		return got, got.status == http.StatusUnauthorized
	})
	poll(t, "no hook of a deleted app", func() (answer, bool) {
		got := a.call(t, "POST", eventPath, eventBody("k"))
		return got, got.status == http.StatusOK && got.header.Get("Gaff-Release") == ""
	})
	if got := a.call(t, "GET", "/v1/releases/current", ""); got.status != http.StatusNotFound {
		t.Errorf("its release: %d %s", got.status, got.body)
	}
	other.serves(t, 1)
}

const secretProject = `hooks:
  - {service: vault, script: hooks/vault.js}
settings:
  token: "${secret:TOKEN}"
  greeting: "Bearer ${secret:TOKEN}!"
`

const secretHook = `function beforePOST(req, res) {
  const token = context.settings.token;
  log.info('the token is ' + token, { token }, [token]);
  console.log(JSON.stringify({ greeting: context.settings.greeting }));
  console.log('x'.repeat(8192 - 20) + token);
  if (req.body.broken) throw new Error('no entry with ' + token);
  if (req.body.guess !== crypto.createHash('sha256').update(token).digest('hex')) {
    return res.end({ error: { statuscode: 403, message: 'not ' + token + ' but ' + req.body.guess } });
  }
  db.post('/rest/entry', { token }, function (err, entry) { res.end({ data: { right: true, length: token.length } }); });
}
`

// Scripts use secrets; nobody reads them, wherever they look.
func testSecrets(t *testing.T, d *deployment) {
	a := newTenant(t, d, map[string]string{"gaff.yaml": secretProject, "hooks/vault.js": secretHook})
	a.fails(t, 1, []string{"apply"}, "gaff.yaml:4:", "gaff.yaml:5:", "TOKEN")
	first, second := rand.Text(), rand.Text()
	forms := []string{first, second + `"<in> \quotes\`}
	set := func(value string) {
		t.Helper()
		if out, stderr, exit := a.cli(t, value+"\n", "secrets", "set", "TOKEN"); exit != 0 {
			t.Fatalf("secrets set: exit %d\n%s%s", exit, out, stderr)
		}
	}
	try := func(value string) {
		t.Helper()
		guess := fmt.Sprintf(`{"guess":"%x"}`, sha256.Sum256([]byte(value))) // a worker may not know yet what the secret is
		right := 0
		poll(t, "a hook that knows the secret", func() (answer, bool) {
			got := a.call(t, "POST", "/rest/vault", guess)
			if right++; got.at("right") != true || got.at("length") != float64(len(value)) {
				right = 0
			}
			return got, right == 20
		})
	}
	set(forms[0])
	a.ok(t, "apply")
	try(forms[0])
	set(forms[1])
	try(forms[1]) // without another release
	var told strings.Builder
	for _, body := range []string{`{"broken":true}`, `{"guess":"wrong"}`} {
		got := a.call(t, "POST", "/rest/vault", body)
		if got.status < 400 {
			t.Errorf("%s: %d", body, got.status)
		}
		told.WriteString(got.body)
	}
	a.await(t, "GET", "/v1/logs?limit=1000&hook=vault", "", func(got answer) bool {
		return strings.Contains(got.body, "no entry with") && strings.Contains(got.body, "but wrong")
	})
	for _, args := range [][]string{{"logs", "--limit", "1000"}, {"logs", "--limit", "1000", "-o", "json"}, {"secrets"}, {"secrets", "-o", "json"},
		{"hooks", "get", "vault", "-o", "json"}, {"releases", "-o", "json"}, {"diff", "-o", "json"}} {
		told.WriteString(a.ok(t, args...))
	}
	trial := a.call(t, "POST", "/v1/test", `{"event":{"service":"vault","operation":"POST","message":{"guess":"x"}}}`)
	if trial.status != http.StatusOK || !strings.Contains(trial.body, "***") {
		t.Errorf("a dry run: %d %s", trial.status, trial.body)
	}
	told.WriteString(trial.body)
	told.WriteString(a.call(t, "GET", "/v1/releases/current", "").body)
	for _, p := range d.all {
		told.WriteString(p.out.String() + p.err.String())
	}
	for _, secret := range []string{first[:10], second[:10]} {
		if before, after, found := strings.Cut(told.String(), secret); found {
			t.Errorf("the secret is told: …%s SECRET %.60s…", before[max(0, len(before)-300):], after)
		}
	}
	if got := a.json(t, "secrets"); got.at("0.name") != "TOKEN" || got.at("1") != nil {
		t.Errorf("secrets: %s", got.body)
	}
	a.ok(t, "secrets", "rm", "TOKEN")
	a.await(t, "POST", "/rest/vault", `{"guess":"x"}`, func(got answer) bool { return got.at("error.code") == "HOOK_ERROR" })
}

const sessionProject = `hooks:
  - {service: note, script: hooks/note.js}
sessions: {secret: "${secret:JWT}", algorithms: [HS256], audience: shop}
`

const sessionHook = `function beforePOST(req, res) {
  const session = req.hint['#usersession'];
  res.end({ data: { who: session && session.sub || 'nobody', team: session && session.team } });
}
`

// token is a JWT of a user.
func token(key, algorithm string, claims map[string]any) string {
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // it is of texts and numbers
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]string{"alg": algorithm, "typ": "JWT"}) + "." + part(claims)
	if algorithm == "none" {
		return text + "."
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// A caller's token says whose call it is; one that is not valid is refused, and none is nobody's.
func testSessions(t *testing.T, d *deployment) {
	a := newTenant(t, d, map[string]string{"gaff.yaml": sessionProject, "hooks/note.js": sessionHook})
	secret := rand.Text() + rand.Text()
	if out, stderr, exit := a.cli(t, secret, "secrets", "set", "JWT"); exit != 0 {
		t.Fatalf("secrets set: exit %d\n%s%s", exit, out, stderr)
	}
	a.ok(t, "apply")
	_, key := a.newKey(t, "data")
	user := a.with(key)
	claims := func(sub string, change map[string]any) map[string]any {
		all := map[string]any{"sub": sub, "team": "red", "aud": "shop", "exp": time.Now().Add(time.Hour).Unix()}
		for name, value := range change {
			all[name] = value
		}
		return all
	}
	user.await(t, "POST", "/rest/note", "{}", func(got answer) bool { return got.at("who") == "ann" && got.at("team") == "red" },
		"Authorization", "Bearer "+token(secret, "HS256", claims("ann", nil)))
	if got := user.call(t, "POST", "/rest/note", "{}"); got.status != http.StatusCreated || got.at("who") != "nobody" {
		t.Errorf("no token: %d %s", got.status, got.body)
	}
	for what, bad := range map[string]string{
		"its signature is wrong":       token("another secret", "HS256", claims("mallory", nil)),
		"its algorithm is not one":     token(secret, "none", claims("mallory", nil)),
		"it has expired":               token(secret, "HS256", claims("mallory", map[string]any{"exp": 1})),
		"it is for another audience":   token(secret, "HS256", claims("mallory", map[string]any{"aud": "bank"})),
		"algorithm is not one that th": token(secret, "HS512", claims("mallory", nil)),
		"it is not a JWT":              "abc",
	} {
		got := user.call(t, "POST", "/rest/note", "{}", "Authorization", "Bearer "+bad)
		if got.status != http.StatusUnauthorized || got.at("error.code") != "UNAUTHORIZED" || !strings.Contains(got.body, what) || strings.Contains(got.body, bad) {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	records := a.await(t, "GET", "/v1/logs?hook=note", "", func(got answer) bool { return strings.Contains(got.body, `"sub":"ann"`) })
	if strings.Contains(records.body, "eyJ") || strings.Contains(records.body, "mallory") || strings.Contains(records.body, key) {
		t.Errorf("the log has tokens or keys: %s", records.body)
	}
}

// Every change leaves who did what, from which release to which.
func testAudit(t *testing.T, d *deployment) {
	a := newTenant(t, d, generation(1))
	id, key := a.newKey(t, "admin")
	author := a.with(key)
	author.await(t, "GET", "/v1/releases", "", func(got answer) bool { return got.status == http.StatusOK })
	author.ok(t, "apply")
	author.write(t, generation(2))
	author.ok(t, "apply", "--canary", "10%")
	author.ok(t, "promote")
	author.ok(t, "rollback", "1")
	a.serves(t, 1)
	author.ok(t, "hooks", "disable", "a")
	author.ok(t, "hooks", "enable", "a")
	author.ok(t, "jobs", "disable", "tidy")
	author.ok(t, "jobs", "enable", "tidy")
	if out, stderr, exit := author.cli(t, "a secret's value", "secrets", "set", "S"); exit != 0 {
		t.Errorf("secrets set: exit %d\n%s%s", exit, out, stderr)
	}
	author.ok(t, "secrets", "rm", "S")
	poll(t, "a job that is on again", func() (answer, bool) {
		out, stderr, exit := author.cli(t, "", "jobs", "run", "tidy")
		return answer{body: out + stderr}, exit == 0
	})
	temporary, _ := author.newKey(t, "data")
	author.ok(t, "keys", "revoke", temporary)
	want := []string{
		d.operator() + " app-create", d.operator() + " key-create", id + " release-apply  1", id + " release-canary 1 2", id + " release-promote 1 2",
		id + " release-rollback 2 1", id + " hook-disable  a", id + " hook-enable  a", id + " job-disable  tidy", id + " job-enable  tidy",
		id + " secret-set", id + " secret-delete", id + " job-run  tidy", id + " key-create", id + " key-revoke",
	}
	got := a.await(t, "GET", "/v1/logs?kind=audit&limit=100", "", func(got answer) bool { return strings.Contains(got.body, "key-revoke") })
	for i, line := range want {
		at := fmt.Sprintf("%d.audit.", i)
		text := func(name string) string { return fmt.Sprint(got.at(at + name)) }
		had := strings.ReplaceAll(strings.Join([]string{text("actor"), text("action"), text("from"), text("to")}, " "), "<nil>", "")
		if !strings.HasPrefix(had, line) || got.at(fmt.Sprintf("%d.kind", i)) != "audit" {
			t.Errorf("audit %d is %q, want %q", i, had, line)
		}
	}
	if out := a.ok(t, "logs"); !strings.Contains(out, "release-rollback") || !strings.Contains(out, id) {
		t.Errorf("logs:\n%s", out)
	}
	if strings.Contains(got.body, "a secret's value") {
		t.Error("the audit has the value of a secret")
	}
}

// What gaff dev applies because a file was saved is in the trail too.
func TestAuditOfSavedProject(t *testing.T) {
	t.Parallel()
	d := startDev(t, copyProject(t))
	d.change(t, "hooks/second.js", "function beforePOST(req, res) { res.end(); }\n")
	got := d.eventually(t, "GET", "/v1/logs?kind=audit", "", func(a answer) bool { return a.at("1") != nil })
	if got.at("0.audit.to") != "1" || got.at("1.audit.actor") != "dev" || got.at("1.audit.action") != "release-apply" ||
		got.at("1.audit.from") != "1" || got.at("1.audit.to") != "2" {
		t.Errorf("audit: %s", got.body)
	}
}
