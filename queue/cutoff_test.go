package queue

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gaff/hooks"
)

// wire is a TCP proxy in front of a server, which can be cut and mended.
type wire struct {
	t          *testing.T
	addr, to   string
	mu         sync.Mutex
	listener   net.Listener
	connected  []net.Conn
	background sync.WaitGroup
}

func newWire(t *testing.T, server string) *wire {
	w := &wire{t: t, addr: "127.0.0.1:0", to: strings.TrimPrefix(server, "nats://")}
	w.mend()
	t.Cleanup(func() {
		w.cut()
		w.background.Wait()
	})
	return w
}

func (w *wire) mend() {
	l, err := net.Listen("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.listener, w.addr = l, l.Addr().String()
	w.background.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			w.join(c)
		}
	})
}

func (w *wire) join(c net.Conn) {
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		c.Close()
		return
	}
	w.mu.Lock()
	w.connected = append(w.connected, c, to)
	w.mu.Unlock()
	w.background.Go(func() { io.Copy(to, c); to.Close() })
	w.background.Go(func() { io.Copy(c, to); c.Close() })
}

func (w *wire) cut() {
	w.listener.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.connected {
		c.Close()
	}
	w.connected = nil
}

// A worker that is cut off serves what it has, and is current soon after it is back, whatever has changed meanwhile.
func TestCutOff(t *testing.T) {
	t.Parallel()
	vault := newVault(t)
	near := connect(t, Config{Vault: vault})
	w := newWire(t, shared)
	far := connect(t, Config{URL: "nats://" + w.addr, Prefix: near.config.Prefix, Vault: vault})
	r, keys, ctx := NewReleases(near), NewKeys(near), t.Context()
	one := shop(1)
	one.Settings = []byte(`{"token":"${secret:TOKEN}"}`)
	if err := NewSecrets(near).Set(ctx, "shop", "TOKEN", "before", 0); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Apply(ctx, one, hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := apply(ctx, r, "gone", release("// 1")); err != nil {
		t.Fatal(err)
	}
	key, secret := newKey(t, keys, "shop")
	ts, cut := &hooks.Tables{}, NewKeys(far)
	loaded := make(chan struct{}, 2)
	run(t, func(ctx context.Context) error {
		return NewReleases(far).Watch(ctx, ts, nil, func() { loaded <- struct{}{} })
	})
	run(t, func(ctx context.Context) error { return cut.Watch(ctx, func() { loaded <- struct{}{} }) })
	<-loaded
	<-loaded

	w.cut()
	await(t, "the worker notices", func() bool { return !far.nc.IsConnected() })
	two := shop(2)
	two.Settings = one.Settings
	if _, _, err := r.Apply(ctx, two, hooks.ApplyOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetState(ctx, "shop", 0, func(s *hooks.State) error { s.EnableHook("check", false); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := NewSecrets(near).Set(ctx, "shop", "TOKEN", "after-it", 0); err != nil {
		t.Fatal(err)
	}
	if err := r.DeleteApp(ctx, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := keys.Revoke(ctx, "shop", key.ID); err != nil {
		t.Fatal(err)
	}
	if table := ts.Of("shop"); table.Release.Number != 1 || ts.Of("gone") == nil {
		t.Error("what was loaded does not serve while the worker is cut off")
	}

	w.mend()
	back := time.Now()
	await(t, "the worker is current", func() bool {
		table := ts.Of("shop")
		_, err := cut.Check(secret)
		return table.Release.Number == 2 && string(table.Settings) == `{"token":"after-it"}` && len(table.State.DisabledHooks) == 1 &&
			ts.Of("gone") == nil && err != nil
	})
	t.Logf("current %v after it is back", time.Since(back).Round(time.Millisecond))
}
