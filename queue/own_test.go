package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// appsOf has a before hook on customer.POST for each app.
func appsOf(apps ...string) *hooks.Tables {
	ts := &hooks.Tables{}
	for _, app := range apps {
		ts.Set(hooks.NewTable(&hooks.Release{App: app, Number: 1, Hooks: []hooks.Hook{{
			Name: "check", Service: "customer", Operation: "POST", Phase: hooks.Before, Script: "check.js",
			Functions: []string{"beforePOST"}, Origins: []hooks.Origin{hooks.Client, hooks.Script},
		}}}))
	}
	return ts
}

// serveApps answers asks of some apps, with the name of the process.
func serveApps(t *testing.T, c *Conn, name string, apps hooks.Apps) (stop func() error) {
	t.Helper()
	pool := hooks.NewPool(8, 4096)
	named := hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		if !apps.Serves(e.App) {
			t.Errorf("%s runs a script of %s", name, e.App)
		}
		v := hooks.GoOn()
		v.Message = json.RawMessage(fmt.Sprintf("%q", name))
		return v
	})
	ready := make(chan struct{})
	end := run(t, func(ctx context.Context) error {
		defer pool.Close()
		return Serve(ctx, c, named, pool, ServeOptions{Apps: apps, Ready: func() { close(ready) }})
	})
	<-ready
	return end
}

func askApp(t *testing.T, g *Gate, app string) (by string, fault *hooks.Error) {
	t.Helper()
	e := call(`{}`)
	e.App = app
	v, err := g.Ask(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Trim(string(v.Message), `"`), v.Error
}

// TestOwnAsks: whoever gets an ask, alone or among others, one that serves its app decides.
func TestOwnAsks(t *testing.T) {
	t.Parallel()
	only := func(app string) hooks.Apps { return hooks.Apps{Only: app} }
	except := func(apps ...string) hooks.Apps { return hooks.Apps{Except: apps} }
	for _, c := range []struct {
		name    string
		workers map[string]hooks.Apps
		decides map[string][]string // by app; none: nobody is there
	}{
		{"one of its own", map[string]hooks.Apps{"a": only("a"), "rest": except("a")}, map[string][]string{"a": {"a"}, "b": {"rest"}, "c": {"rest"}}},
		{"beside all", map[string]hooks.Apps{"a": only("a"), "all": {}}, map[string][]string{"a": {"a", "all"}, "b": {"all"}}},
		{"all serve what is left", map[string]hooks.Apps{"rest": except("a"), "all": {}}, map[string][]string{"a": {"all"}, "b": {"rest", "all"}}},
		{"each leaves another", map[string]hooks.Apps{"not a": except("a"), "not b": except("b")}, map[string][]string{"a": {"not b"}, "b": {"not a"}, "c": {"not a", "not b"}}},
		{"three", map[string]hooks.Apps{"a": only("a"), "b": only("b"), "rest": except("a", "b")}, map[string][]string{"a": {"a"}, "b": {"b"}, "c": {"rest"}}},
		{"a of one, b of the other", map[string]hooks.Apps{"a": only("a"), "not a": except("a"), "b": only("b"), "not b": except("b")}, map[string][]string{"a": {"a", "not b"}, "b": {"b", "not a"}, "c": {"not a", "not b"}}},
		{"nobody", map[string]hooks.Apps{"a": only("a"), "rest": except("a", "b")}, map[string][]string{"a": {"a"}, "b": nil, "c": {"rest"}}},
		{"only one", map[string]hooks.Apps{"a": only("a")}, map[string][]string{"a": {"a"}, "b": nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			prefix := newPrefix()
			for name, apps := range c.workers {
				serveApps(t, connect(t, Config{Prefix: prefix}), name, apps)
			}
			g := newGate(t, connect(t, Config{Prefix: prefix}), appsOf("a", "b", "c"))
			ask := func(app string) {
				by, fault := askApp(t, g, app)
				if want := c.decides[app]; want == nil && (fault == nil || fault.Code != hooks.CodeUnavailable) || want != nil && !slices.Contains(want, by) {
					t.Errorf("an ask of %s: %s decides, %v", app, by, fault)
				}
			}
			var all sync.WaitGroup
			for app := range c.decides {
				ask(app)
				for range 64 { // so many travel together
					all.Go(func() { ask(app) })
				}
			}
			all.Wait()
		})
	}
}

// TestOwnOfOtherClients: who is not a gate gets the answer that nobody is there, with its code.
func TestOwnOfOtherClients(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serveApps(t, c, "rest", hooks.Apps{Except: []string{"a"}})
	m, err := c.nc.Request(c.config.Prefix+".ask.before.a.customer.POST", nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if gjson.GetBytes(m.Data, "error.code").Str != "UNAVAILABLE" || gjson.GetBytes(m.Data, "status").Int() != 503 {
		t.Errorf("%s", m.Data)
	}
}

// TestOwnCalls: method calls find those who serve the app, or it is said that there are none.
func TestOwnCalls(t *testing.T) {
	t.Parallel()
	prefix := newPrefix()
	for name, apps := range map[string]hooks.Apps{"a": {Only: "a"}, "rest": {Except: []string{"a", "b"}}} {
		pool := hooks.NewPool(8, 64)
		handler := func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
			return hooks.Reply{Body: json.RawMessage(fmt.Sprintf(`"%s by %s"`, call.App, name))}, nil
		}
		conn := connect(t, Config{Prefix: prefix})
		run(t, func(ctx context.Context) error {
			defer pool.Close()
			return ServeCalls(ctx, conn, handler, pool, ServeOptions{Apps: apps})
		})
	}
	g := newGate(t, connect(t, Config{Prefix: prefix}), appsOf())
	call := func(app string) (string, error) {
		c := methodCall(`{}`)
		c.App = app
		r, err := g.Call(t.Context(), c)
		return string(r.Body), err
	}
	for app, by := range map[string]string{"a": `"a by a"`, "c": `"c by rest"`} {
		await(t, "worker", func() bool { _, err := call(app); return err == nil })
		for range 20 {
			if got, err := call(app); err != nil || got != by {
				t.Errorf("%s: %s, %v", app, got, err)
			}
		}
	}
	if _, err := call("b"); hooks.AsError(err).Code != hooks.CodeUnavailable {
		t.Errorf("%v", err)
	}
}

// TestReduced: the time that handing on takes is taken from what is left.
func TestReduced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header string
		passed time.Duration
		want   string
	}{
		{"500", 20 * time.Millisecond, "480"}, {"500", 0, "500"}, {"5", time.Second, "1"}, {"no", time.Second, "no"},
		{"", time.Millisecond, ""}, {"", time.Second, "9000"},
	} {
		m := &nats.Msg{Subject: "s", Header: nats.Header{"Other": {"x"}}}
		if c.header != "" {
			m.Header.Set(deadlineHeader, c.header)
		}
		got := reduced(m, c.passed)
		if got.Header.Get(deadlineHeader) != c.want || got.Header.Get("Other") != "x" || m.Header.Get(deadlineHeader) != c.header {
			t.Errorf("%+v: %v", c, got.Header)
		}
	}
}

// TestOwnSubjects: what is handed on keeps its subject.
func TestOwnSubjects(t *testing.T) {
	t.Parallel()
	s := subjects{"gaff"}
	for _, subject := range []string{"gaff.ask.before.shop.customer.POST", "gaff.event.shop.3.customer.POST.after", "gaff.call.shop.math.add"} {
		for _, to := range []string{s.own("shop"), s.rest()} {
			if got, ok := s.unowned(s.handed(to, subject)); !ok || got != subject {
				t.Errorf("%s by %s: %s", subject, to, got)
			}
		}
	}
	if got := s.handed(s.own("shop"), "gaff.work.shop.h"); got != "gaff.own.shop.work.shop.h" {
		t.Error(got)
	}
	for _, bad := range []string{"gaff.own.", "gaff.own.shop", "other"} {
		if got, ok := s.unowned(bad); ok && !strings.HasPrefix(got, "gaff.") {
			t.Errorf("%s: %s", bad, got)
		}
	}
}
