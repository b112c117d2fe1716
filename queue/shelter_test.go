package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// What is asked while nobody is there is kept, longer than gates look for somebody, and answered afterwards.
func TestShelter(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	stop := run(t, NewStandIn(connect(t, Config{Prefix: c.config.Prefix}), "cell").Shelter)
	await(t, "the shelter is open", func() bool {
		_, err := c.nc.Request(c.subjects.ask(call(`{}`)), nil, 50*time.Millisecond)
		return !errors.Is(err, nats.ErrNoResponders)
	})
	began := time.Now()
	opened := time.AfterFunc(patience+silence+500*time.Millisecond, func() {
		serve(t, c, echo)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	defer opened.Stop()
	var all sync.WaitGroup
	for n := range 100 {
		all.Go(func() {
			want := fmt.Sprintf(`{"n":%d}`, n)
			if v, err := g.Ask(t.Context(), call(want)); err != nil || v.Stopped() {
				t.Errorf("%d: %+v, %v", n, v.Error, err)
			}
		})
	}
	all.Wait()
	if took := time.Since(began); took < patience+silence {
		t.Errorf("answered after %v", took)
	}
}

// The time that is left is less by what a message was kept; nothing else of it changes.
func TestShelteredAgain(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{"": "9000", "1500": "500", "700": "1", "soon": "soon", "0": "0"} {
		m := nats.NewMsg("subject")
		m.Reply, m.Data = "reply", []byte("data")
		m.Header.Set(hooks.TraceHeader, "trace")
		if header != "" {
			m.Header.Set(deadlineHeader, header)
		}
		now := time.Now()
		w := sheltered{m, now.Add(-time.Second), hooks.DefaultTimeout}
		again := w.again(now)
		if got := again.Header.Get(deadlineHeader); got != want {
			t.Errorf("%q became %q, not %q", header, got, want)
		}
		if again.Subject != m.Subject || again.Reply != m.Reply || string(again.Data) != "data" || again.Header.Get(hooks.TraceHeader) != "trace" {
			t.Errorf("%+v", again)
		}
	}
}

// A shelter does not open while somebody is there.
func TestShelterNotNeeded(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, echo)
	g := newGate(t, c, tables())
	ctx, cancel := context.WithTimeout(t.Context(), 5*shelterAgain)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- NewStandIn(connect(t, Config{Prefix: c.config.Prefix}), "cell").Shelter(ctx) }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		began := time.Now()
		if v, err := g.Ask(t.Context(), call(`{}`)); err != nil || v.Stopped() || time.Since(began) > silence {
			t.Fatal(v.Error, err, time.Since(began))
		}
	}
}

// What a dead process had in hand reaches a living one, also if the server still counts on the dead.
func TestHandOver(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	dead, err := c.nc.QueueSubscribe(c.subjects.asks("*"), group, func(*nats.Msg) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := dead.AutoUnsubscribe(2); err != nil { // so much goes to it before the server knows
		t.Fatal(err)
	}
	stop := serve(t, connect(t, Config{Prefix: c.config.Prefix}), echo)
	defer stop()
	var answered sync.Map // by reply subject: one may be answered twice
	reply := nats.NewInbox() + "."
	if _, err := c.nc.Subscribe(reply+"*", func(m *nats.Msg) { answered.Store(m.Subject, true) }); err != nil {
		t.Fatal(err)
	}
	c.flush()
	s := NewStandIn(c, "cell")
	var all sync.WaitGroup
	const n = 8
	for i := range n {
		all.Go(func() {
			err := s.Again(&hooks.Taken{Held: hooks.Held{
				Kind: hooks.HeldAsk, App: "default", Subject: c.subjects.ask(call(`{}`)), Reply: reply + strconv.Itoa(i), Data: []byte(`{}`),
				Deadline: time.Now().Add(time.Minute),
			}})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range n {
		await(t, "an answer", func() bool {
			_, ok := answered.Load(reply + strconv.Itoa(i))
			return ok
		})
	}
}
