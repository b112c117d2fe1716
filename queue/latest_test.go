package queue

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"gaff/hooks"
)

// behind returns a process's tables, which do not have the release that is registered, and that release.
func behind(t *testing.T, c *Conn) (*hooks.Tables, *Latest, *hooks.Table) {
	t.Helper()
	r := NewReleases(c)
	release := generation(t, 1)
	release.App = "default"
	release, _, err := r.Apply(t.Context(), release, hooks.ApplyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ts := &hooks.Tables{}
	return ts, NewLatest(r, ts), hooks.NewTable(release)
}

// numbered answers with the number of the release that ts has.
func numbered(ts *hooks.Tables) hooks.HandlerFunc {
	return func(_ context.Context, e *hooks.Event) hooks.Verdict {
		v := hooks.GoOn()
		if table := ts.Of(e.App); table != nil {
			v.Message = strconv.AppendUint(nil, table.Release.Number, 10)
		}
		return v
	}
}

// An ask that comes before the release that has its hook is decided by that release.
func TestAskWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	ts, latest, table := behind(t, c)
	pool := hooks.NewPool(8, 64)
	t.Cleanup(pool.Close)
	run(t, func(ctx context.Context) error {
		return Serve(ctx, c, numbered(ts), pool, ServeOptions{Latest: latest})
	})
	if err := c.ServedApp(t.Context(), "other"); err != nil { // an app without a release is not waited for
		t.Fatal(err)
	}
	e := call(`{}`)
	e.Service = "item"
	reply := c.nc.NewRespInbox()
	answers, err := c.nc.SubscribeSync(reply)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.nc.PublishRequest(c.subjects.ask(e), reply, e.AppendJSON(nil)); err != nil {
		t.Fatal(err)
	}
	if err := c.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	ts.Set(table)
	m, err := answers.NextMsg(10 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := hooks.ParseVerdict(m.Data); err != nil || string(v.Message) != "1" {
		t.Errorf("%s, %v", m.Data, err)
	}
}

// A call that comes before the release that its caller knows is carried out by that release, and one of a caller that knows
// the same does not wait.
func TestCallWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	ts, latest, table := behind(t, c)
	pool, came := hooks.NewPool(8, 64), make(chan struct{}, 8)
	t.Cleanup(pool.Close)
	run(t, func(ctx context.Context) error {
		return ServeCalls(ctx, c, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
			return hooks.Reply{Status: 200, Release: ts.Of(call.App).Release.Number}, nil
		}, telling{pool, came}, ServeOptions{Latest: latest})
	})
	ahead := &hooks.Tables{}
	ahead.Set(table)
	g := newGate(t, c, ahead)
	answered := make(chan error, 1)
	go func() {
		reply, err := g.Call(t.Context(), methodCall(`{}`))
		if err == nil && reply.Release != 1 {
			err = fmt.Errorf("release %d", reply.Release)
		}
		answered <- err
	}()
	<-came
	ts.Set(table)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if _, err := g.Call(t.Context(), methodCall(`{}`)); err != nil {
		t.Error(err)
	}
}

// telling is a pool that tells what comes in.
type telling struct {
	*hooks.Pool
	came chan<- struct{}
}

func (p telling) Submit(app string, f func(*hooks.Place)) bool {
	p.came <- struct{}{}
	return p.Pool.Submit(app, f)
}

// An event that comes before the release that has its hook is not passed over.
func TestEventWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	ts, latest, _ := behind(t, c)
	reacted := make(chan struct{})
	hook := handling(hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
		close(reacted)
		return hooks.GoOn()
	}))
	late := &lateReactor{reactor: hook, tables: ts}
	react(t, c, late, ConsumeOptions{Latest: latest})
	publish(t, c, told("a"))
	await(t, "the event has come again", func() bool {
		consumer, err := c.js.Consumer(t.Context(), c.eventStream(), c.config.Prefix+"-workers")
		if err != nil {
			t.Fatal(err)
		}
		return consumer.CachedInfo().NumRedelivered > 0
	})
	ts.Set(hook.All()["default"])
	<-reacted
}

// lateReactor plans by tables that others set.
type lateReactor struct {
	*reactor
	tables *hooks.Tables
}

func (r *lateReactor) Plan(e *hooks.Event) (*hooks.Table, []*hooks.Match) {
	t := r.tables.Of(e.App)
	if t == nil {
		return nil, nil
	}
	return t, t.Match(e, false)
}

// A release that nobody can load holds asks up for a while, not for ever.
func TestLatestGivesUp(t *testing.T) {
	t.Parallel()
	_, latest, _ := behind(t, connect(t, Config{}))
	began := time.Now()
	if latest.await(t.Context(), call(`{}`), true) {
		t.Error("without a table it is not known whether there is a hook")
	}
	if took := time.Since(began); took < latestTimeout || took > 5*latestTimeout {
		t.Errorf("took %v", took)
	}
}
