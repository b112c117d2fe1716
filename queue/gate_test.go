package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, echo)
	g := newGate(t, c, tables())
	v, err := g.Ask(t.Context(), call(`{"name":"Ann"}`))
	if err != nil || v.Stopped() || string(v.Message) != `{"name":"Ann"}` {
		t.Fatalf("%+v, %v", v, err)
	}
	if n := len(g.inbox.waiting); n != 0 {
		t.Errorf("%d questions are still waiting", n)
	}
}

// Without a hook nothing is sent: here nobody would answer.
func TestAskWithoutHooks(t *testing.T) {
	t.Parallel()
	g := newGate(t, connect(t, Config{}), tables())
	e := call(`{}`)
	e.Operation = "PUT"
	if v, err := g.Ask(t.Context(), e); err != nil || v.Stopped() {
		t.Errorf("%+v, %v", v, err)
	}
	e.App = "other"
	if v, err := g.Ask(t.Context(), e); err != nil || v.Stopped() {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestAskRefusesBadNames(t *testing.T) {
	t.Parallel()
	g := newGate(t, connect(t, Config{}), tables())
	for _, spoil := range []func(*hooks.Event){
		func(e *hooks.Event) { e.App = "" },
		func(e *hooks.Event) { e.Service = "a.b" },
		func(e *hooks.Event) { e.Operation = "*" },
		func(e *hooks.Event) { e.Phase = hooks.Tick },
	} {
		e := call(`{}`)
		spoil(e)
		_, err := g.Ask(t.Context(), e)
		if bad, ok := errors.AsType[*hooks.Error](err); !ok || bad.Code != hooks.CodeBadName {
			t.Errorf("%+v: error %v", e, err)
		}
	}
}

func TestAskWithoutWorker(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	start := time.Now()
	v, err := newGate(t, c, tables()).Ask(t.Context(), call(`{}`))
	if err != nil || v.Error == nil || v.Error.Code != hooks.CodeUnavailable {
		t.Errorf("%+v, %v", v, err)
	}
	if took := time.Since(start); took < patience || took > 3*patience {
		t.Errorf("took %v", took)
	}
	ignore := tables(func(h *hooks.Hook) { h.OnError = hooks.Ignore })
	v, err = newGate(t, c, ignore).Ask(t.Context(), call(`{}`))
	if err != nil || v.Stopped() || len(v.Warnings) != 1 || !strings.Contains(v.Warnings[0], "UNAVAILABLE") {
		t.Errorf("ignored: %+v, %v", v, err)
	}
}

// A worker that comes while the gate looks for one gets the ask.
func TestAskFindsWorkerThatComesLate(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	answer := make(chan hooks.Verdict, 1)
	go func() {
		v, _ := g.Ask(t.Context(), call(`{"n":1}`))
		answer <- v
	}()
	await(t, "the gate has been refused", func() bool {
		g.inbox.mu.Lock()
		defer g.inbox.mu.Unlock()
		return len(g.inbox.waiting) == 1
	})
	serve(t, c, echo)
	if v := <-answer; string(v.Message) != `{"n":1}` {
		t.Errorf("%+v", v)
	}
}

func TestAskDeadline(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var left atomic.Int64
	release := make(chan struct{})
	serve(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		left.Store(int64(time.Until(e.Deadline)))
		<-release
		return hooks.GoOn()
	}))
	t.Cleanup(func() { close(release) })
	g := newGate(t, c, tables())
	byContext := func() (context.Context, context.CancelFunc, *hooks.Event) {
		ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
		return ctx, cancel, call(`{}`)
	}
	byEvent := func() (context.Context, context.CancelFunc, *hooks.Event) {
		e := call(`{}`)
		e.Deadline = time.Now().Add(300 * time.Millisecond)
		return t.Context(), func() {}, e
	}
	for name, prepare := range map[string]func() (context.Context, context.CancelFunc, *hooks.Event){"context": byContext, "event": byEvent} {
		ctx, cancel, e := prepare()
		start := time.Now()
		v, err := g.Ask(ctx, e)
		cancel()
		if err != nil || v.Error == nil || v.Error.Code != hooks.CodeHookTimeout {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if took := time.Since(start); took < 300*time.Millisecond || took > 3*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if l := time.Duration(left.Load()); l <= 0 || l > 400*time.Millisecond {
			t.Errorf("%s: the worker had %v left", name, l)
		}
	}
}

func TestAskOfCallerThatLeaves(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	began := make(chan struct{}, 1)
	release := make(chan struct{})
	serve(t, c, hooks.HandlerFunc(func(context.Context, *hooks.Event) hooks.Verdict {
		began <- struct{}{}
		<-release
		return hooks.GoOn()
	}))
	t.Cleanup(func() { close(release) })
	g := newGate(t, c, tables(func(h *hooks.Hook) { h.OnError = hooks.Ignore }))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	if v, err := g.Ask(ctx, call(`{}`)); err != nil || !v.Stopped() {
		t.Errorf("%+v, %v: a caller that is gone must not be told to go on", v, err)
	}
}

// A reply that comes after its ask has given up must not answer another ask that uses the same memory.
func TestLateReplyAnswersNobody(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		if strings.Contains(string(e.Message), "slow") {
			pause(ctx, 30*time.Millisecond)
		}
		return echo(ctx, e)
	}))
	g := newGate(t, c, tables())
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 60 {
				slow := call(fmt.Sprintf(`{"slow":"%d-%d"}`, worker, i))
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
				g.Ask(ctx, slow)
				cancel()
				want := fmt.Sprintf(`{"quick":"%d-%d"}`, worker, i)
				if v, err := g.Ask(t.Context(), call(want)); err != nil || string(v.Message) != want {
					t.Errorf("%s was answered %s (%v, %v)", want, v.Message, v.Error, err)
				}
			}
		})
	}
	wg.Wait()
}

// A hook that takes longer than a gate is silent runs once, because its worker says that it is working.
func TestLongHookRunsOnce(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	var runs atomic.Int64
	slow := hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		runs.Add(1)
		pause(ctx, 5*silence/2)
		return echo(ctx, e)
	})
	serve(t, c, slow)
	serve(t, c, slow)
	v, err := newGate(t, c, tables()).Ask(t.Context(), call(`{"n":1}`))
	if err != nil || string(v.Message) != `{"n":1}` || runs.Load() != 1 {
		t.Errorf("%+v, %v after %d runs", v, err, runs.Load())
	}
}

// An ask that meets a server which is away is sent when it is back.
func TestAskSurvivesServerRestart(t *testing.T) {
	t.Parallel()
	s, restart := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	serve(t, c, echo)
	g := newGate(t, c, tables())
	if v, _ := g.Ask(t.Context(), call(`{"n":0}`)); string(v.Message) != `{"n":0}` {
		t.Fatalf("%+v", v)
	}
	s.Shutdown()
	answers := make(chan hooks.Verdict, 50)
	for i := range cap(answers) {
		go func() {
			v, _ := g.Ask(t.Context(), call(fmt.Sprintf(`{"n":%d}`, i)))
			answers <- v
		}()
	}
	restart()
	for range cap(answers) {
		if v := <-answers; v.Stopped() {
			t.Errorf("%v", v.Error)
		}
	}
}

func TestAskTooLarge(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	v, err := g.Ask(t.Context(), call(`"`+strings.Repeat("x", maxPayload)+`"`))
	if err != nil || v.Error == nil || v.Error.Code != hooks.CodeTooLarge {
		t.Errorf("%v, %v", v.Error, err)
	}
}
