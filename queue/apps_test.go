package queue

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"gaff/hooks"
)

func TestApps(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{Vault: newVault(t)})
	r, keys, secrets := NewReleases(c), NewKeys(c), NewSecrets(c)
	ctx := t.Context()
	if err := r.CreateApp(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	if err := r.CreateApp(ctx, "shop"); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("%v", err)
	}
	if err := r.CreateApp(ctx, "a b"); !hasCode(err, hooks.CodeBadName) {
		t.Errorf("%v", err)
	}
	if _, err := apply(ctx, r, "bank", release("// 1")); err != nil {
		t.Fatal(err)
	}
	if _, err := apply(ctx, r, "shop", release("// 1")); err != nil {
		t.Fatal(err)
	}
	apps, err := r.Apps(ctx)
	if err != nil || len(apps) != 2 || apps[0].Name != "bank" || apps[1].Release != 1 || apps[1].Hooks != 1 || apps[1].Created.IsZero() {
		t.Fatalf("%+v, %v", apps, err)
	}

	ts := &hooks.Tables{}
	ready := make(chan struct{})
	run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, func() { close(ready) }) })
	<-ready
	newKey(t, keys, "shop")
	newKey(t, keys, "bank")
	for _, app := range []string{"shop", "bank"} {
		if err := secrets.Set(ctx, app, "TOKEN", "hunter2", 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.DeleteApp(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	await(t, "the table is gone", func() bool { return ts.Of("shop") == nil })
	for app, want := range map[string]int{"shop": 0, "bank": 1} {
		left, err := keys.List(ctx, app)
		if err != nil || len(left) != want {
			t.Errorf("keys of %s: %v, %v", app, left, err)
		}
		kept, err := secrets.List(ctx, app)
		if err != nil || len(kept) != want {
			t.Errorf("secrets of %s: %v, %v", app, kept, err)
		}
	}
	if err := r.DeleteApp(ctx, "shop"); !hasCode(err, hooks.CodeNotFound) {
		t.Errorf("%v", err)
	}
	if _, err := apply(ctx, r, "shop", release("// again")); err != nil {
		t.Fatal(err)
	}
	await(t, "the app is back", func() bool {
		table := ts.Of("shop")
		return table != nil && table.Release.Files["hooks/check.js"] == "// again"
	})
}

// However many switch hooks off at once, nobody's change is lost; and what is off stays so across releases.
func TestState(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	ctx := t.Context()
	if _, err := apply(ctx, r, "shop", release("// 1")); err != nil {
		t.Fatal(err)
	}
	ts := &hooks.Tables{}
	run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, nil) })
	on := func() bool {
		return ts.Of("shop").Has(&hooks.Event{Service: "customer", Operation: "POST", Phase: hooks.Before}, true)
	}
	await(t, "the hook is on", on)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			_, err := r.SetState(ctx, "shop", 0, func(s *hooks.State) error {
				s.EnableHook(fmt.Sprintf("other-%d", i), false)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	revision, err := r.SetState(ctx, "shop", 0, func(s *hooks.State) error { s.EnableHook("check", false); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if s, at, err := r.State(ctx, "shop"); err != nil || len(s.DisabledHooks) != 9 || at != revision {
		t.Errorf("%+v at %d, %v", s, at, err)
	}
	await(t, "the hook is off", func() bool { return !on() })
	if _, err := apply(ctx, r, "shop", release("// 2")); err != nil {
		t.Fatal(err)
	}
	await(t, "the next release", func() bool { return ts.Of("shop").Release.Number == 2 })
	if on() {
		t.Error("a release has switched the hook on")
	}
	why := errors.New("no")
	if _, err := r.SetState(ctx, "shop", 0, func(*hooks.State) error { return why }); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if _, err := r.SetState(ctx, "shop", revision-1, func(*hooks.State) error { return nil }); !hasCode(err, hooks.CodeConflict) {
		t.Errorf("%v", err)
	}
}
