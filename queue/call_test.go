package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// serveCalls answers calls with the handler, so many in flight at most.
func serveCalls(t *testing.T, c *Conn, bound int, h MethodHandler) (stop func() error) {
	t.Helper()
	pool := hooks.NewPool(1, bound)
	t.Cleanup(pool.Close)
	return run(t, func(ctx context.Context) error { return ServeCalls(ctx, c, h, pool, ServeOptions{}) })
}

func methodCall(payload string) hooks.MethodCall {
	return hooks.MethodCall{RequestID: "r1", App: "default", Service: "math", Method: "add", Payload: []byte(payload), Depth: 2}
}

// called returns the reply to a call, once there is somebody to answer it.
func called(t *testing.T, g *Gate, payload string) hooks.Reply {
	t.Helper()
	var reply hooks.Reply
	await(t, "answer", func() bool {
		var err error
		reply, err = g.Call(t.Context(), methodCall(payload))
		return err == nil
	})
	return reply
}

func refusedCall(ctx context.Context, t *testing.T, g *Gate, code hooks.Code, known bool) *hooks.Error {
	t.Helper()
	_, err := g.Call(ctx, methodCall(`{}`))
	e, ok := errors.AsType[*hooks.Error](err)
	if !ok || e.Code != code || strings.Contains(string(e.Details), "unknown") == known {
		t.Fatalf("got %v, details %s; want %s, known %v", err, e.Details, code, known)
	}
	return e
}

func TestCallCarriesEverything(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	serveCalls(t, c, 8, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
		if string(call.Payload) == `{"fail":1}` {
			e := hooks.Errorf(hooks.CodeConflict, "taken")
			e.Details, e.Hook, e.Release = json.RawMessage(`{"sqlstate":"23505"}`), "guard.before", 7
			return hooks.Reply{}, e
		}
		body := []byte(call.App + call.Service + call.Method + call.RequestID + string(call.Headers) + string(call.Session) + string(call.Origin))
		quoted, _ := json.Marshal(string(body))
		return hooks.Reply{Status: 202, Body: quoted, Warnings: []string{"careful \"you\""}, Release: 9}, nil
	})
	called(t, g, `{}`)
	call := methodCall(`{"args":["<ü>"]}`)
	call.Headers, call.Session, call.Origin = []byte(`{"a":"b"}`), []byte(`{"user":1}`), hooks.S2S
	reply, err := g.Call(t.Context(), call)
	if err != nil || string(reply.Body) != `"defaultmathaddr1{\"a\":\"b\"}{\"user\":1}s2s"` || reply.Status != 202 || reply.Release != 9 ||
		len(reply.Warnings) != 1 || reply.Warnings[0] != `careful "you"` {
		t.Errorf("got %+v %s, %v", reply, reply.Body, err)
	}
	_, err = g.Call(t.Context(), methodCall(`{"fail":1}`))
	e, ok := errors.AsType[*hooks.Error](err)
	if !ok || e.Status != 409 || e.Code != hooks.CodeConflict || e.Message != "taken" || string(e.Details) != `{"sqlstate":"23505"}` ||
		e.Hook != "guard.before" || e.Release != 7 {
		t.Errorf("got %+v", e)
	}
	bad := methodCall(`{}`)
	bad.Method = "a.b"
	if _, err := g.Call(t.Context(), bad); hooks.AsError(err).Code != hooks.CodeBadName {
		t.Errorf("bad name: %v", err)
	}
}

func TestCallWithoutWorker(t *testing.T) {
	t.Parallel()
	g := newGate(t, connect(t, Config{}), tables())
	refusedCall(t.Context(), t, g, hooks.CodeUnavailable, true)
}

// A call waits for a worker that is just starting, since nobody has got it yet.
func TestCallFindsWorkerThatComes(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	done := make(chan error, 1)
	go func() {
		_, err := g.Call(t.Context(), methodCall(`{}`))
		done <- err
	}()
	serveCalls(t, c, 8, func(context.Context, hooks.MethodCall) (hooks.Reply, error) { return hooks.Reply{}, nil })
	if err := <-done; err != nil && hooks.AsError(err).Code != hooks.CodeUnavailable { // on a slow machine it is late
		t.Error(err)
	}
}

// A worker that is gone in the middle of a call: its caller learns of it, and nobody gets the call again.
func TestCallOfWorkerThatDies(t *testing.T) {
	t.Parallel()
	prefix := newPrefix()
	first, second := connect(t, Config{Prefix: prefix}), connect(t, Config{Prefix: prefix})
	g := newGate(t, connect(t, Config{Prefix: prefix}), tables())
	var times atomic.Int64
	got, release := make(chan *Conn, 2), make(chan struct{})
	for _, c := range []*Conn{first, second} {
		pool := hooks.NewPool(1, 8)
		t.Cleanup(pool.Close)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ServeCalls(ctx, c, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
				if string(call.Payload) == `{}` {
					times.Add(1)
					got <- c
					<-release
				}
				return hooks.Reply{}, nil
			}, pool, ServeOptions{})
		}()
		t.Cleanup(func() { cancel(); <-ended })
	}
	t.Cleanup(func() { close(release) })
	called(t, g, `{"first":1}`)
	go func() { (<-got).nc.Close() }()
	refusedCall(t.Context(), t, g, hooks.CodeHookCrashed, false)
	called(t, g, `{"still":"served"}`)
	if n := times.Load(); n != 1 {
		t.Errorf("the call was made %d times", n)
	}
}

func TestCallThatTakesLong(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	serveCalls(t, c, 8, func(ctx context.Context, call hooks.MethodCall) (hooks.Reply, error) {
		if string(call.Payload) == `{}` {
			<-ctx.Done() // its deadline came along
			return hooks.Reply{}, hooks.Errorf(hooks.CodeHookTimeout, "too late")
		}
		pause(ctx, 2*silence)
		return hooks.Reply{}, nil
	})
	called(t, g, `{"patience":1}`)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if e := refusedCall(ctx, t, g, hooks.CodeHookTimeout, true); e.Message != "too late" {
		t.Errorf("the worker's own answer did not come: %v", e)
	}
}

func TestCallBounds(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	hold := make(chan struct{})
	busy := make(chan struct{}, 2)
	serveCalls(t, c, 1, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
		switch string(call.Payload) {
		case `{"hold":1}`:
			busy <- struct{}{}
			<-hold
		case `{}`:
			return hooks.Reply{Body: []byte(`"` + strings.Repeat("x", int(c.nc.MaxPayload())) + `"`)}, nil
		}
		return hooks.Reply{}, nil
	})
	called(t, g, `{"first":1}`)
	await(t, "a result that is too large", func() bool {
		_, err := g.Call(t.Context(), methodCall(`{}`))
		return err != nil && hooks.AsError(err).Code == hooks.CodeTooLarge
	})
	done := make(chan error, 1)
	go func() {
		for {
			_, err := g.Call(t.Context(), methodCall(`{"hold":1}`))
			if err == nil || hooks.AsError(err).Code != hooks.CodeOverloaded {
				done <- err
				return
			}
		}
	}()
	<-busy
	refusedCall(t.Context(), t, g, hooks.CodeOverloaded, true)
	close(hold)
	if err := <-done; err != nil {
		t.Error(err)
	}
	large := methodCall(`{"x":"` + strings.Repeat("x", int(c.nc.MaxPayload())) + `"}`)
	if _, err := g.Call(t.Context(), large); hooks.AsError(err).Code != hooks.CodeTooLarge {
		t.Errorf("a call that is too large: %v", err)
	}
}

// What was accepted is answered, also by a worker that stops meanwhile.
func TestCallsAreAnsweredBeforeStop(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	begun, finish := make(chan struct{}), make(chan struct{})
	stop := serveCalls(t, c, 8, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
		if string(call.Payload) == `{}` {
			close(begun)
			<-finish
		}
		return hooks.Reply{}, nil
	})
	called(t, g, `{"first":1}`)
	answered := make(chan error, 1)
	go func() {
		_, err := g.Call(t.Context(), methodCall(`{}`))
		answered <- err
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(finish)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestCallThatPanics(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	g := newGate(t, c, tables())
	serveCalls(t, c, 8, func(_ context.Context, call hooks.MethodCall) (hooks.Reply, error) {
		if string(call.Payload) == `{}` {
			panic("oh")
		}
		return hooks.Reply{}, nil
	})
	called(t, g, `{"first":1}`)
	refusedCall(t.Context(), t, g, hooks.CodeHookError, false)
}
