package queue

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// ask asks n questions at once, whose message is their number, and checks that each gets its own answer.
func askAtOnce(t *testing.T, g *Gate, n int) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			message := fmt.Sprintf(`{"n":%d}`, i)
			v, err := g.Ask(t.Context(), call(message))
			if err != nil || string(v.Message) != message {
				t.Errorf("ask %d: %+v, %v", i, v, err)
			}
		})
	}
	wg.Wait()
}

// A crowd travels in bundles, and each call gets its own verdict.
func TestBundles(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, echo)
	seen := make(chan int, 4096)
	sub, err := c.nc.Subscribe(c.subjects.bundles(), func(m *nats.Msg) {
		n := 0
		for u := (unbundler{data: m.Data}); u.more(); n++ {
			u.bytes()
			u.uint()
			u.uint()
			u.bytes()
		}
		seen <- n
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	askAtOnce(t, newGate(t, c, tables()), 2000)
	if n := <-seen; n < 1 || n > maxBundle {
		t.Errorf("%d asks in a bundle", n)
	}
}

// With nobody there, every ask of a bundle is refused at once, and then asked again by itself.
func TestBundleWithoutWorker(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			v, err := g.Ask(t.Context(), call(`{}`))
			if err != nil || v.Error == nil || v.Error.Code != hooks.CodeUnavailable {
				t.Errorf("%+v, %v", v, err)
			}
		})
	}
	wg.Wait()
}

// The verdicts on the asks of a bundle come as one message, but none waits for a hook that takes long.
func TestVerdictsTravelTogether(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	slow := make(chan struct{})
	serve(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		if string(e.Message) == `"slow"` {
			<-slow
		}
		return hooks.Verdict{Status: 200, Message: e.Message}
	}))
	if err := c.Served(t.Context()); err != nil {
		t.Fatal(err)
	}
	inbox := inboxPrefix + nats.NewInbox()[len(nats.InboxPrefix):] + "."
	got := make(chan *nats.Msg, 16)
	sub, err := c.nc.ChanSubscribe(inbox+"*", got)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	send := func(messages ...string) {
		b := &bundle{}
		for i, m := range messages {
			b.text(c.subjects.ask(call(`{}`)))
			b.uint(uint64(i))
			b.uint(10_000)
			b.bytes([]byte(`{"message":` + m + `}`))
		}
		if err := c.nc.PublishRequest(c.subjects.bundles(), inbox+bundled+"1", b.data); err != nil {
			t.Fatal(err)
		}
	}
	numbers := func() (all []uint64) {
		for u := (unbundler{data: (<-got).Data}); u.more(); u.bytes() {
			all = append(all, u.uint())
		}
		slices.Sort(all)
		return all
	}
	send(`1`, `2`, `3`)
	if all := numbers(); !slices.Equal(all, []uint64{0, 1, 2}) {
		t.Errorf("the first message has the verdicts on %v", all)
	}
	send(`1`, `"slow"`, `3`)
	var all []uint64
	for len(all) < 2 {
		all = append(all, numbers()...)
	}
	if slices.Sort(all); !slices.Equal(all, []uint64{0, 2}) {
		t.Errorf("before the slow one came those on %v", all)
	}
	close(slow)
	if all := numbers(); !slices.Equal(all, []uint64{1}) {
		t.Errorf("the last message has the verdicts on %v", all)
	}
}

// What is no bundle does no harm, and what is whole in a broken one is answered.
func TestBrokenBundles(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, echo)
	g := newGate(t, c, tables())
	b := &bundle{}
	b.text(c.subjects.ask(call(`{}`)))
	b.uint(1 << 40) // nobody's
	b.uint(1000)
	b.bytes([]byte(`{"message":{"n":1}}`))
	inbox := g.inbox.prefix + bundled + "1"
	for i := range b.data {
		if err := c.nc.PublishRequest(c.subjects.bundles(), inbox, b.data[:i]); err != nil {
			t.Fatal(err)
		}
	}
	long := slices.Repeat(b.data, 10*maxBundle)
	for _, m := range []nats.Msg{
		{Subject: c.subjects.bundles(), Data: b.data},
		{Subject: c.subjects.bundles(), Reply: "somebody.else", Data: b.data},
		{Subject: c.subjects.bundles(), Reply: inbox, Data: long},
		{Subject: g.inbox.prefix + bundled, Data: []byte{255, 255}},
		{Subject: g.inbox.prefix + bundled + "zz"},
	} {
		if err := c.nc.PublishMsg(&m); err != nil {
			t.Fatal(err)
		}
	}
	askAtOnce(t, g, 200)
}

func FuzzUnbundle(f *testing.F) {
	b := &bundle{}
	b.uint(5)
	b.bytes([]byte("x"))
	f.Add(b.data)
	f.Fuzz(func(t *testing.T, data []byte) {
		u := unbundler{data: data}
		for steps := 0; u.more(); steps++ {
			before := len(u.data)
			u.uint()
			u.bytes()
			if u.err == nil && len(u.data) >= before || steps > len(data) {
				t.Fatal("no progress")
			}
		}
	})
}

// A gate that is closed has sent what was on its way.
func TestBundlerClose(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	got := make(chan *nats.Msg, 1)
	if _, err := c.nc.ChanSubscribe("elsewhere", got); err != nil {
		t.Fatal(err)
	}
	b := newBundler(c)
	to := b.begin("elsewhere")
	to.uint(1)
	b.end(to, maxBundle)
	b.close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	select {
	case <-got:
	case <-ctx.Done():
		t.Error("nothing came")
	}
	if b.begin("elsewhere") != nil {
		t.Error("a closed bundler takes more")
	}
}
