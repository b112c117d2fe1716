package queue

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"gaff/hooks"
)

func release(source string) *hooks.Release {
	return &hooks.Release{
		Hooks: []hooks.Hook{{
			Name: "check", Service: "customer", Script: "hooks/check.js", Functions: []string{"beforePOST"},
			Timeout: hooks.DefaultTimeout, Origins: []hooks.Origin{hooks.Client},
		}},
		Settings: []byte(`{"a":1}`),
		Files:    map[string]string{"hooks/check.js": source, "lib/same.js": "// never changes", "empty.js": ""},
	}
}

// apply makes a release the app's current one.
func apply(ctx context.Context, r *Releases, app string, release *hooks.Release) (*hooks.Release, error) {
	next := *release
	next.App = app
	applied, _, err := r.Apply(ctx, &next, hooks.ApplyOptions{By: "test"})
	return applied, err
}

func hasCode(err error, code hooks.Code) bool {
	e, ok := errors.AsType[*hooks.Error](err)
	return ok && e.Code == code
}

func TestReleases(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	ctx := t.Context()
	if _, err := r.Get(ctx, "shop", 0); !hasCode(err, hooks.CodeNotFound) {
		t.Errorf("no release yet: %v", err)
	}
	if infos, err := r.List(ctx, "shop"); err != nil || len(infos) != 0 {
		t.Errorf("%v, %v", infos, err)
	}
	for n := uint64(1); n <= 3; n++ {
		want := release(fmt.Sprintf("// %d", n))
		got, err := apply(ctx, r, "shop", want)
		if err != nil || got.Number != n || got.App != "shop" || got.Created.IsZero() || want.Number != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		back, err := r.Get(ctx, "shop", n)
		if err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("applied %+v, got back %+v, %v", got, back, err)
		}
	}
	infos, err := r.List(ctx, "shop")
	if err != nil || len(infos) != 3 || infos[0].Number != 3 || !infos[0].Current || infos[1].Current {
		t.Errorf("%+v, %v", infos, err)
	}
	if current, err := r.Get(ctx, "shop", 0); err != nil || current.Number != 3 {
		t.Errorf("%+v, %v", current, err)
	}
	if old, err := r.Get(ctx, "shop", 1); err != nil || old.Files["hooks/check.js"] != "// 1" {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestReleasesRefuse(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	if _, err := apply(t.Context(), r, "a.b", release("")); !hasCode(err, hooks.CodeBadName) {
		t.Errorf("%v", err)
	}
	large := release(strings.Repeat("x", maxPayload))
	if _, err := apply(t.Context(), r, "shop", large); !hasCode(err, hooks.CodeTooLarge) || !strings.Contains(err.Error(), "hooks/check.js") {
		t.Errorf("%v", err)
	}
	if infos, err := r.List(t.Context(), "shop"); err != nil || len(infos) != 0 {
		t.Errorf("%v, %v", infos, err)
	}
}

// Of two who change the same pointer one gets a CONFLICT, and what the other did stays.
func TestSwingConflict(t *testing.T) {
	t.Parallel()
	r := NewReleases(connect(t, Config{}))
	for first := range 2 { // the first release of an app, and a later one
		p, revision, err := r.pointer(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := apply(t.Context(), r, "shop", release("// theirs")); err != nil {
			t.Fatal(err)
		}
		if _, err := r.swing(t.Context(), "shop", p, revision); !hasCode(err, hooks.CodeConflict) {
			t.Errorf("%d: %v", first, err)
		}
	}
}

// However many apply at the same time, each success has a number of its own and the others are told.
func TestConcurrentApply(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var mu sync.Mutex
	numbers := map[uint64]string{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			source := fmt.Sprintf("// %d", i)
			applied, err := apply(t.Context(), NewReleases(c), "shop", release(source))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && numbers[applied.Number] == "":
				numbers[applied.Number] = source
			case !hasCode(err, hooks.CodeConflict):
				t.Errorf("%+v, %v", applied, err)
			}
		})
	}
	wg.Wait()
	for n, source := range numbers {
		if back, err := NewReleases(c).Get(t.Context(), "shop", n); err != nil || back.Files["hooks/check.js"] != source {
			t.Errorf("release %d: %v, %v, want %s", n, back, err, source)
		}
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	s, restart := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	r := NewReleases(c)
	if _, err := apply(t.Context(), r, "shop", release("// 1")); err != nil {
		t.Fatal(err)
	}
	ts := &hooks.Tables{}
	ready, changes := make(chan struct{}), make(chan *hooks.Table, 10)
	run(t, func(ctx context.Context) error {
		return r.Watch(ctx, ts, func(table *hooks.Table) { changes <- table }, func() { close(ready) })
	})
	<-ready
	if table := ts.Of("shop"); table == nil || table.Release.Number != 1 || !table.Has(&hooks.Event{Service: "customer", Operation: "POST", Phase: hooks.Before}, true) {
		t.Fatalf("%+v", table)
	}
	<-changes
	if _, err := apply(t.Context(), r, "other", release("// 1")); err != nil {
		t.Fatal(err)
	}
	if table := <-changes; table.Release.App != "other" || ts.Of("other") != table {
		t.Errorf("%+v", table.Release)
	}

	s.Shutdown()
	if ts.Of("shop") == nil {
		t.Error("what was loaded is gone with the server")
	}
	restart()
	await(t, "the registry is back", func() bool {
		_, err := apply(t.Context(), r, "shop", release("// 2"))
		return err == nil
	})
	if table := <-changes; table.Release.App != "shop" || table.Release.Files["hooks/check.js"] != "// 2" {
		t.Errorf("%+v", table.Release)
	}
}

// A release that cannot be loaded leaves the one before in place; the next good one replaces it.
func TestWatchKeepsGoodRelease(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	r := NewReleases(c)
	if _, err := apply(t.Context(), r, "shop", release("// 1")); err != nil {
		t.Fatal(err)
	}
	ts := &hooks.Tables{}
	ready := make(chan struct{})
	run(t, func(ctx context.Context) error { return r.Watch(ctx, ts, nil, func() { close(ready) }) })
	<-ready
	p, revision, err := r.pointer(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	broken := p
	broken.Current, broken.Releases = 2, append(broken.Releases, entry{Number: 2, Manifest: "nothing"})
	if _, err := r.swing(t.Context(), "shop", broken, revision); err != nil {
		t.Fatal(err)
	}
	if _, err := apply(t.Context(), r, "other", release("// 1")); err != nil {
		t.Fatal(err)
	}
	await(t, "a change after the broken one", func() bool { return ts.Of("other") != nil })
	if n := ts.Of("shop").Release.Number; n != 1 {
		t.Errorf("release %d serves", n)
	}
	if _, err := apply(t.Context(), r, "shop", release("// 3")); err != nil {
		t.Fatal(err)
	}
	await(t, "the next good release", func() bool { return ts.Of("shop").Release.Number == 3 })
}
