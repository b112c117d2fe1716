package main

import (
	"strings"
	"testing"
)

func TestReleases(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	code, stdout, stderr := s.gaff(t, "", "releases")
	expect(t, "none", code, stdout, stderr, 0, "", "There are no releases yet: `gaff apply` makes the first.\n")
	if _, stdout, _ := s.gaff(t, "", "releases", "-o", "json"); stdout != "[]\n" {
		t.Errorf("none: %s", stdout)
	}
	r.add(shop())
	r.current, r.canary, r.percent = 1, r.add(changedShop()), 10
	code, stdout, stderr = s.gaff(t, "", "releases", "--app", "shop")
	expect(t, "two", code, stdout, stderr, 0, "RELEASE  CREATED  BY     HOOKS  JOBS  STATE\n"+
		"1        -        admin  1      0     current\n2        -        admin  1      0     canary 10 %\n", "")
	if got := s.last(t); got != "GET /v1/releases app=shop Bearer k3y" {
		t.Errorf("sent %s", got)
	}
}

func TestRollback(t *testing.T) {
	t.Parallel()
	r, s := newRegistry(t)
	r.add(shop())
	r.current, r.canary, r.percent = r.add(shop()), r.add(shop()), 10
	step := func(want string, args ...string) {
		t.Helper()
		code, stdout, stderr := s.gaff(t, "", args...)
		expect(t, strings.Join(args, " "), code, stdout, stderr, 0, want, "")
	}
	step("release 2 is current; release 3 is no longer tried\n", "rollback")
	step("release 1 is current, after release 2\n", "rollback")
	step("release 3 is current, after release 1\n", "rollback", "3")
	step("{\"release\":2}\n", "rollback", "2", "-o", "json")

	code, stdout, stderr := s.gaff(t, "", "rollback", "9")
	expect(t, "unknown", code, stdout, stderr, 1, "", "gaff: NOT_FOUND: app shop has no release 9\n`gaff releases` lists what there is.\n")
	code, stdout, stderr = s.gaff(t, "", "promote")
	expect(t, "nothing to promote", code, stdout, stderr, 1, "",
		"gaff: no release is tried with a share of the events: `gaff apply --canary 10%` starts that\n")

	r.canary = 3
	step("release 3 is current, after release 2\n", "promote")
	r.canary = 1
	r.before = func() { r.revision++ }
	code, stdout, stderr = s.gaff(t, "", "promote")
	expect(t, "at the same moment", code, stdout, stderr, 1, "", "gaff: CONFLICT: somebody else was faster\n"+
		"Somebody has changed the app at the same moment: see `gaff releases`, then try again.\n")
}
