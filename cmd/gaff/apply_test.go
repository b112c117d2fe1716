package main

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

func TestApply(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	dir := folderOf(t, shop())
	code, stdout, stderr := s.gaff(t, "", "apply", dir)
	expect(t, "the first", code, stdout, stderr, 0, "release 1 of shop, after no release\n+ hook a\n+ settings\n"+
		"+ file a.js (+3 -0)\n+ file gaff.yaml (+4 -0)\n+ file old.js (+1 -0)\n", "")
	if got := s.last(t); !strings.HasPrefix(got, "POST /v1/releases app=shop Bearer k3y {") || !maps.Equal(r.files[0], shop()) {
		t.Errorf("sent %s", got)
	}
	code, stdout, stderr = s.gaff(t, "", "apply", dir)
	expect(t, "again", code, stdout, stderr, 0, "unchanged: release 1 of shop\n", "")
	_, stdout, _ = s.gaff(t, "", "apply", dir, "-o", "json")
	if stdout != `{"release":1,"app":"shop","hooks":1,"jobs":0,"unchanged":true,"changes":[]}`+"\n" || len(r.files) != 1 {
		t.Errorf("again: %s", stdout)
	}

	dir = folderOf(t, changedShop())
	code, stdout, stderr = s.gaff(t, "", "apply", dir, "--canary", "10%")
	expect(t, "canary", code, stdout, stderr, 0, "release 2 of shop, for 10 % of the events beside release 1\n"+changesOfShop,
		"`gaff promote` gives it all events, `gaff rollback` takes it back.\n")
	code, stdout, stderr = s.gaff(t, "", "apply", folderOf(t, shop()))
	expect(t, "beside a canary", code, stdout, stderr, 0, "unchanged: release 1 of shop\n",
		"Release 2 is tried beside it with 10 % of the events: `gaff promote` or `gaff rollback` ends that.\n")
	_, stdout, _ = s.gaff(t, "", "apply", dir, "-o", "json")
	var answer struct {
		Release uint64
		Changes []change
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || answer.Release != 3 || len(answer.Changes) != 7 || answer.Changes[3].Diff != "" {
		t.Errorf("json: %v %s", err, stdout)
	}
}

const changesOfShop = "~ hook a\n    timeout: \"2s\" → \"3s\"\n+ hook b\n~ settings\n    slack.channel: \"#dev\" → \"#<ops>\"\n" +
	"~ file a.js (+1 -1)\n+ file b.js (+1 -0)\n~ file gaff.yaml (+3 -2)\n- file old.js (+0 -1)\n"

func TestApplyConflict(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	r.current = r.add(shop())
	r.before = func() { // somebody else
		r.current = r.add(map[string]string{"gaff.yaml": "app: shop\n"})
		r.revision++
	}
	code, stdout, stderr := s.gaff(t, "", "apply", folderOf(t, changedShop()))
	expect(t, "conflict", code, stdout, stderr, 1, "", "gaff: CONFLICT: somebody else was faster\nSomebody has changed the app since "+
		"release 1, with which this was compared: nothing is applied.\n`gaff diff` shows what is different now; then apply again.\n")
	if len(r.files) != 2 {
		t.Errorf("%d releases", len(r.files))
	}
}

// TestApplyFirstConflict: it matters too that there was no release.
func TestApplyFirstConflict(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	r.before = func() {
		r.current = r.add(shop())
		r.revision++
	}
	code, stdout, stderr := s.gaff(t, "", "apply", folderOf(t, changedShop()))
	if code != 1 || stdout != "" || !strings.Contains(stderr, "since no release, with which") || len(r.files) != 1 {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestApplyBroken(t *testing.T) {
	t.Parallel()
	_, s := newRegistry(t)
	files := shop()
	files["a.js"] = "function beforePOST(req, res) {\n  res.end(;\n}\n"
	dir := folderOf(t, files)
	for _, command := range []string{"apply", "diff"} {
		code, stdout, stderr := s.gaff(t, "", command, dir)
		expect(t, command, code, stdout, stderr, 1, "", "a.js:2:11: Unexpected \";\"\n")
	}
	if len(s.asked) > 0 {
		t.Errorf("the server was asked: %v", s.asked)
	}
}

// TestApplyApp: --app is before the project's, and a project without an app is the key's.
func TestApplyApp(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	for _, c := range []struct {
		yaml string
		args []string
		want string
	}{
		{"app: shop\n", nil, " app=shop "},
		{"app: shop\n", []string{"--app", "other"}, " app=other "},
		{"settings: {a: 1}\n", nil, " app= "},
	} {
		r.current = r.add(nil)
		dir := folderOf(t, map[string]string{"gaff.yaml": c.yaml})
		if code, _, stderr := s.gaff(t, "", append([]string{"apply", dir}, c.args...)...); code != 0 || !strings.Contains(s.last(t), c.want) {
			t.Errorf("exit %d\n%s\nsent %s", code, stderr, s.last(t))
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	r.current = r.add(shop())
	code, stdout, stderr := s.gaff(t, "", "diff", folderOf(t, shop()))
	expect(t, "same", code, stdout, stderr, 0, "no differences from release 1 of shop\n", "")
	files := changedShop()
	files["a.js"] = "function beforePOST(req, res) {\n  res.end('\x1b[2J');\r\n}\n"
	dir := folderOf(t, files)
	code, stdout, stderr = s.gaff(t, "", "diff", dir)
	want := "--- a.js (release 1)\n+++ a.js\n@@ -1,3 +1,3 @@\n function beforePOST(req, res) {\n-  res.end();\n+  res.end('\uFFFD[2J');\r\n }\n" +
		"--- /dev/null\n+++ b.js\n@@ -0,0 +1,1 @@\n+function afterPOST(req, res) { res.end(); }\n"
	tail := "--- old.js (release 1)\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-gone\n"
	if code != 0 || !strings.HasPrefix(stdout, changesOfShop+want) || !strings.HasSuffix(stdout, tail) || stderr != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	_, stdout, _ = s.gaff(t, "", "diff", dir, "-o", "json")
	var changes []change
	if err := json.Unmarshal([]byte(stdout), &changes); err != nil || len(changes) != 7 {
		t.Fatalf("json: %v %s", err, stdout)
	}
	if c := changes[2]; c.Kind != "settings" || len(c.Fields) != 1 || c.Fields[0].Field != "slack.channel" || string(c.Fields[0].To) != `"#\u003cops\u003e"` {
		t.Errorf("settings: %+v", c)
	}
	if len(r.files) != 1 {
		t.Error("diff has applied something")
	}
}

// TestDiffOther compares with a release that this version cannot read: its files remain comparable.
func TestDiffOther(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	r.current = r.add(map[string]string{"gaff.yaml": "future: true\n"})
	code, stdout, stderr := s.gaff(t, "", "diff", folderOf(t, map[string]string{"gaff.yaml": "settings: {a: 1}\n"}))
	expect(t, "other", code, stdout, stderr, 0, "+ settings\n~ file gaff.yaml (+1 -1)\n"+
		"--- gaff.yaml (release 1)\n+++ gaff.yaml\n@@ -1,1 +1,1 @@\n-future: true\n+settings: {a: 1}\n", "")
}

func TestDiffColours(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	d := &diffPrinter{w: &b, colours: true}
	c := []change{{Kind: "file", Name: "a.js", Change: changed, Diff: unified("a", "b", "--x\n", "y\n")}}
	d.summary(c)
	d.texts(c)
	want := "\x1b[33m~ file a.js\x1b[0m (+1 -1)\n\x1b[90m--- a\x1b[0m\n\x1b[90m+++ b\x1b[0m\n\x1b[36m@@ -1,1 +1,1 @@\x1b[0m\n" +
		"\x1b[31m---x\x1b[0m\n\x1b[32m+y\x1b[0m\n"
	if b.String() != want {
		t.Errorf("got %q", b.String())
	}
}

// TestChangesOfConditions: where a condition stands is no difference, what it says is one.
func TestChangesOfConditions(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	files := func(yaml string) map[string]string {
		return map[string]string{"gaff.yaml": yaml, "a.js": "function before(req, res) { res.end(); }\n"}
	}
	r.current = r.add(files("hooks:\n  - {service: e, script: a.js, when: 'message.a > 1', params: {timeout: 7}}\n"))
	_, stdout, _ := s.gaff(t, "", "diff", folderOf(t, files("# new\nhooks:\n  - {service: e, script: a.js, when: 'message.a > 1', params: {timeout: 7}}\n")))
	if !strings.HasPrefix(stdout, "~ file gaff.yaml (+1 -0)\n") {
		t.Errorf("moved:\n%s", stdout)
	}
	_, stdout, _ = s.gaff(t, "", "diff", folderOf(t, files("hooks:\n  - {service: e, script: a.js, params: {timeout: 8}}\n")))
	if !strings.HasPrefix(stdout, "~ hook a\n    params.timeout: 7 → 8\n    when: \"message.a > 1\" → none\n") {
		t.Errorf("changed:\n%s", stdout)
	}
}
