package queue

import (
	"context"
	"fmt"
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
		return err != nats.ErrNoResponders
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
