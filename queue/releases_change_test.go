package queue

import (
	"fmt"
	"testing"

	"gaff/hooks"
)

// shop returns release n of app shop.
func shop(n int) *hooks.Release {
	r := release(fmt.Sprintf("// %d", n))
	r.App = "shop"
	return r
}

// serving is what a list says of the releases: their numbers, the newest first, marked * if current and % if canary.
func serving(t *testing.T, r *Releases) string {
	t.Helper()
	list, err := r.List(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, s := range list {
		text += fmt.Sprint(" ", s.Number)
		if s.Current {
			text += "*"
		}
		if s.Canary > 0 {
			text += fmt.Sprint("%", s.Canary)
		}
	}
	return text
}

// Canaries, promotions and rollbacks one after the other: what serves after each, or the error.
func TestReleaseChanges(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	ctx, n := t.Context(), 0
	apply := func(percent int) func() error {
		return func() error {
			n++
			_, _, err := r.Apply(ctx, shop(n), hooks.ApplyOptions{CanaryPercent: percent, By: "ann"})
			return err
		}
	}
	back := func(to uint64) func() error {
		return func() error { _, err := r.Rollback(ctx, "shop", to, hooks.ApplyOptions{}); return err }
	}
	promote := func() error { _, err := r.Promote(ctx, "shop", hooks.ApplyOptions{}); return err }
	for i, step := range []struct {
		do   func() error
		want string
		code hooks.Code
	}{
		{do: back(0), code: hooks.CodeNotFound},
		{do: promote, code: hooks.CodeConflict},
		{do: apply(10), code: hooks.CodeBadRequest},
		{do: apply(0), want: " 1*"},
		{do: back(0), code: hooks.CodeNotFound, want: " 1*"},
		{do: apply(100), code: hooks.CodeBadRequest, want: " 1*"},
		{do: apply(10), want: " 2%10 1*"},
		{do: apply(50), want: " 3%50 2 1*"},
		{do: promote, want: " 3* 2 1"},
		{do: promote, code: hooks.CodeConflict, want: " 3* 2 1"},
		{do: back(0), want: " 3 2* 1"},
		{do: apply(5), want: " 4%5 3 2* 1"},
		{do: back(0), want: " 4 3 2* 1"},
		{do: back(4), want: " 4* 3 2 1"},
		{do: back(9), code: hooks.CodeNotFound, want: " 4* 3 2 1"},
		{do: apply(5), want: " 5%5 4* 3 2 1"},
		{do: apply(0), want: " 6* 5 4 3 2 1"},
	} {
		err := step.do()
		if step.code != "" && !hasCode(err, step.code) || step.code == "" && err != nil {
			t.Errorf("step %d: %v, want %s", i, err, step.code)
		}
		if got := serving(t, r); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	list, err := r.List(ctx, "shop")
	if err != nil || list[0].By != "ann" || list[0].Hooks != 1 || list[0].App != "shop" {
		t.Errorf("%+v, %v", list[0], err)
	}
}

// Whoever names a revision changes only that: the pointer may not have moved since.
func TestIfRevision(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	ctx := t.Context()
	if _, err := r.Current(ctx, "shop"); !hasCode(err, hooks.CodeNotFound) {
		t.Errorf("%v", err)
	}
	_, first, err := r.Apply(ctx, shop(1), hooks.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := r.Current(ctx, "shop"); err != nil || p.Revision != first || p.Release != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := r.SetState(ctx, "shop", 0, func(s *hooks.State) error { s.EnableHook("check", false); return nil }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Apply(ctx, shop(2), hooks.ApplyOptions{IfRevision: first}); err != nil {
		t.Fatalf("switching a hook off is no change of the releases: %v", err)
	}
	old := hooks.ApplyOptions{IfRevision: first}
	if _, _, err := r.Apply(ctx, shop(3), old); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("apply: %v", err)
	}
	if _, err := r.Rollback(ctx, "shop", 1, old); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("rollback: %v", err)
	}
	if _, err := r.Promote(ctx, "shop", old); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("promote: %v", err)
	}
	if got := serving(t, r); got != " 2* 1" {
		t.Error(got)
	}
}

// The newest releases are kept, and those that serve; numbers are never given again.
func TestRetention(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{KeepReleases: 3}))
	ctx := t.Context()
	for n := 1; n <= 5; n++ {
		if _, _, err := r.Apply(ctx, shop(n), hooks.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := serving(t, r); got != " 5* 4 3" {
		t.Error(got)
	}
	if _, err := r.Rollback(ctx, "shop", 3, hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	for n := 6; n <= 8; n++ {
		if _, _, err := r.Apply(ctx, shop(n), hooks.ApplyOptions{CanaryPercent: 10}); err != nil {
			t.Fatal(err)
		}
	}
	if got := serving(t, r); got != " 8%10 7 3*" {
		t.Error(got)
	}
	if _, err := r.Get(ctx, "shop", 5); !hasCode(err, hooks.CodeNotFound) {
		t.Error(err)
	}
}

// What no release needs any more is removed, and nothing that one needs: not what others still share, not what somebody
// has just stored to refer to it.
func TestSweep(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{KeepReleases: 2}))
	ctx := t.Context()
	for n := 1; n <= 4; n++ {
		if _, _, err := r.Apply(ctx, shop(n), hooks.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := r.Sweep(ctx); err != nil || n != 0 {
		t.Fatalf("removed %d that are new: %v", n, err)
	}
	about, err := r.putBlob(ctx, "a file", []byte("// 1"))
	if err != nil {
		t.Fatal(err)
	}
	r.grace = 0
	if n, err := r.Sweep(ctx); err != nil || n != 4 { // two manifests, two files
		t.Errorf("removed %d: %v", n, err)
	}
	if n, err := r.Sweep(ctx); err != nil || n != 0 {
		t.Errorf("removed %d more: %v", n, err)
	}
	if _, err := r.blob(ctx, about); err == nil {
		t.Error("the file of a release that is gone is still there")
	}
	r.grace = blobGrace
	for _, n := range []uint64{3, 4} {
		if back, err := r.Get(ctx, "shop", n); err != nil || back.Files["hooks/check.js"] != fmt.Sprintf("// %d", n) {
			t.Errorf("release %d: %v", n, err)
		}
	}
	again, _, err := r.Apply(ctx, shop(1), hooks.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if back, err := r.Get(ctx, "shop", again.Number); err != nil || back.Files["hooks/check.js"] != "// 1" {
		t.Errorf("%v", err)
	}
}

// A blob that is stored again while it is being removed stays: removing is bound to the revision that was old.
func TestSweepSparesRenewed(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	r.grace = 0 // every blob is old, and is renewed each time it is stored
	ctx := t.Context()
	hash, err := r.putBlob(ctx, "a file", []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := r.oldBlobs(ctx)
	if err != nil || len(old) != 1 {
		t.Fatalf("%v, %v", old, err)
	}
	if _, err := r.putBlob(ctx, "a file", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := r.remove(ctx, old); err != nil {
		t.Fatal(err)
	}
	if _, err := r.blob(ctx, hash); err != nil {
		t.Errorf("what was just stored is gone: %v", err)
	}
}

func TestClaimSweep(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	for i, want := range []bool{true, false} {
		if mine, err := r.claimSweep(t.Context()); err != nil || mine != want {
			t.Errorf("%d: %v, %v", i, mine, err)
		}
	}
}
