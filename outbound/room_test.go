package outbound

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"gaff/hooks"
)

// One app gets no more than it leaves free, and what is given back goes to who has the least.
func TestRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRoom(8)
		greedy := make(chan func(), 100)
		ctx, cancel := context.WithCancel(t.Context())
		for range 20 {
			go func() {
				if give, err := r.take(ctx, "greedy", 1); err == nil {
					greedy <- give
				}
			}()
		}
		synctest.Wait()
		if len(greedy) != 4 {
			t.Fatalf("one app has %d of 8", len(greedy))
		}
		for range 2 {
			if _, err := r.take(ctx, "modest", 1); err != nil {
				t.Fatal(err)
			}
		}
		(<-greedy)()
		synctest.Wait()
		if len(greedy) != 3 {
			t.Errorf("one app has %d of 8, and others have 2", len(greedy))
		}
		if _, err := r.take(ctx, "large", 3); err != nil { // it has nothing yet
			t.Fatal(err)
		}
		late, stop := context.WithCancel(ctx)
		stop()
		if _, err := r.take(late, "late", 1); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		cancel()
		synctest.Wait()
		close(greedy)
		for give := range greedy {
			give()
		}
		if r.waiting != 0 || len(r.apps) != 2 || r.free != 3 {
			t.Errorf("%+v", r)
		}
	})
}

// An app whose calls hang does not keep another's waiting, and neither do its large answers.
func TestAppsShareTheCalls(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}, AtOnce: 4, MaxCalls: 100, MaxSize: 1 << 20})
	ctx, cancel := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	greedy := caller("")
	for range 20 {
		hanging.Go(func() { askAs(ctx, client, greedy, map[string]any{"url": at + "/slow"}) })
	}
	await(t, func() bool {
		client.places.mu.Lock()
		defer client.places.mu.Unlock()
		return client.places.waiting == 18
	})
	give, err := client.answers.take(ctx, "shop", 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	other := hooks.NewCaller(&hooks.Event{App: "other"}, hooks.NewTable(&hooks.Release{App: "other"}))
	if a, err := askAs(t.Context(), client, other, map[string]any{"url": at + "/sized?n=1000000", "method": "POST", "body": strings.Repeat("x", 1<<19)}); err != nil || a.Status != 200 {
		t.Errorf("%+v, %v", a, err)
	}
	give()
	cancel()
	hanging.Wait()
	for _, r := range []*room{client.places, client.bodies, client.answers} {
		if len(r.apps) != 0 {
			t.Errorf("not given back: %+v", r)
		}
	}
}
