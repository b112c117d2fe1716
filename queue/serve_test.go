package queue

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// plain asks as any NATS client does.
func plain(t *testing.T, c *Conn, subject, payload string, header nats.Header) hooks.Verdict {
	t.Helper()
	var reply *nats.Msg
	await(t, "a worker is there", func() bool {
		var err error
		reply, err = c.nc.RequestMsg(&nats.Msg{Subject: c.config.Prefix + subject, Data: []byte(payload), Header: header}, 10*time.Second)
		return err == nil
	})
	v, err := hooks.ParseVerdict(reply.Data)
	if err != nil {
		t.Fatalf("%s: %v", reply.Data, err)
	}
	return v
}

func TestServePlainClients(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		switch e.Operation {
		case "panic":
			panic("on purpose")
		case "huge":
			return hooks.Verdict{Status: 200, Message: []byte(`"` + strings.Repeat("x", maxPayload) + `"`)}
		case "slow":
			pause(ctx, 3*tellEvery)
		case "deadline":
			left := time.Until(e.Deadline).Round(time.Second)
			return hooks.Verdict{Status: 200, Message: []byte(`"` + left.String() + `"`)}
		}
		return echo(ctx, e)
	}))
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, test := range map[string]struct {
		subject, payload, deadline string
		code                       hooks.Code
		message                    string
	}{
		"ask":          {subject: ".ask.before.default.customer.POST", payload: `{"message":{"name":"Ann"}}`, message: `{"name":"Ann"}`},
		"nothing":      {subject: ".ask.before.default.customer.POST"},
		"slow":         {subject: ".ask.before.default.customer.slow", payload: `{"message":1}`, message: `1`},
		"bad phase":    {subject: ".ask.during.default.customer.POST", code: hooks.CodeBadName},
		"bad name":     {subject: ".ask.before.default.custo$mer.POST", code: hooks.CodeBadName},
		"not JSON":     {subject: ".ask.before.default.customer.POST", payload: `{`, code: hooks.CodeBadRequest},
		"no object":    {subject: ".ask.before.default.customer.POST", payload: `[1]`, code: hooks.CodeBadRequest},
		"too deep":     {subject: ".ask.before.default.customer.POST", payload: `{"message":` + deep + `}`, code: hooks.CodeTooLarge},
		"default time": {subject: ".ask.before.default.customer.deadline", message: `"10s"`},
		"own time":     {subject: ".ask.before.default.customer.deadline", deadline: "30000", message: `"30s"`},
		"bad time":     {subject: ".ask.before.default.customer.deadline", deadline: "soon", code: hooks.CodeBadRequest},
		"no time":      {subject: ".ask.before.default.customer.deadline", deadline: "-1", code: hooks.CodeBadRequest},
		"panic":        {subject: ".ask.before.default.customer.panic", code: hooks.CodeHookError},
		"huge":         {subject: ".ask.before.default.customer.huge", code: hooks.CodeHookError},
	} {
		t.Run(name, func(t *testing.T) {
			header := nats.Header{}
			if test.deadline != "" {
				header.Set("Gaff-Deadline", test.deadline)
			}
			v := plain(t, c, test.subject, test.payload, header)
			switch {
			case test.code == "" && (v.Stopped() || string(v.Message) != test.message):
				t.Errorf("%+v", v)
			case test.code != "" && (v.Error == nil || v.Error.Code != test.code):
				t.Errorf("%+v, want %s", v, test.code)
			}
		})
	}
}

func TestServeOverloaded(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	release := make(chan struct{})
	pool := hooks.NewPool(1, 1)
	t.Cleanup(pool.Close)
	run(t, func(ctx context.Context) error {
		return Serve(ctx, c, hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
			<-release
			return hooks.GoOn()
		}), pool, ServeOptions{})
	})
	g := newGate(t, c, tables())
	verdicts := make(chan hooks.Verdict, 2)
	for range 2 {
		go func() {
			v, _ := g.Ask(t.Context(), call(`{}`))
			verdicts <- v
		}()
	}
	if v := <-verdicts; v.Error == nil || v.Error.Code != hooks.CodeOverloaded {
		t.Errorf("%+v", v)
	}
	close(release)
	if v := <-verdicts; v.Stopped() {
		t.Errorf("%+v", v)
	}
}

// Workers come and go while many ask; whatever one has accepted it answers before it ends, so that no ask is repeated.
func TestStopDropsNoAsk(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var runs atomic.Int64
	work := hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		runs.Add(1)
		pause(ctx, time.Millisecond)
		return echo(ctx, e)
	})
	serve(t, c, work)
	g := newGate(t, c, tables())
	var asked atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for worker := range 32 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				asked.Add(1)
				want := fmt.Sprintf(`"%d-%d"`, worker, i)
				if v, err := g.Ask(t.Context(), call(want)); err != nil || !bytes.Equal(v.Message, []byte(want)) {
					t.Errorf("%s: %+v, %v", want, v, err)
					return
				}
			}
		})
	}
	for range 10 {
		other := connect(t, Config{Prefix: c.config.Prefix})
		stop := serve(t, other, work)
		before := asked.Load()
		await(t, "asks are under way", func() bool { return asked.Load() > before+500 })
		if err := stop(); err != nil {
			t.Error(err)
		}
		other.Close()
	}
	cancel()
	wg.Wait()
	if runs.Load() != asked.Load() {
		t.Errorf("%d asks ran %d times", asked.Load(), runs.Load())
	}
}
