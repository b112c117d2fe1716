package hooks

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An app that fills the pool leaves room for others, whose turn comes before all of its own have run.
func TestPoolSharesFairly(t *testing.T) {
	t.Parallel()
	p := NewPool(1, 90)
	release, begun := make(chan struct{}), make(chan struct{})
	if !p.Submit("greedy", func(*Place) { close(begun); <-release }) {
		t.Fatal("no room")
	}
	<-begun
	var mu sync.Mutex
	var order []string
	run := func(app string) func(*Place) {
		return func(*Place) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, app)
		}
	}
	greedy := 1
	for range 200 {
		if p.Submit("greedy", run("greedy")) {
			greedy++
		}
	}
	if greedy != 80 { // 8/9
		t.Errorf("one app has %d of 90", greedy)
	}
	for _, app := range []string{"modest", "shy"} {
		if !p.Submit(app, run(app)) {
			t.Errorf("no room for %s", app)
		}
	}
	close(release)
	p.Close()
	for i, app := range order {
		if app != "greedy" && i > 3 {
			t.Errorf("%s had to wait for %d others", app, i)
		}
	}
}

// Runs that compute for long give up their place, so that what is short gets through beside them.
func TestPoolLongRunsLoseTheirPlace(t *testing.T) {
	t.Parallel()
	p := NewPool(2, 100)
	var done atomic.Bool
	for range 4 {
		p.Submit("default", func(*Place) {
			for !done.Load() { // computes
			}
		})
	}
	short := make(chan struct{})
	p.Submit("default", func(*Place) { close(short) })
	select {
	case <-short:
	case <-time.After(20 * time.Second):
		t.Error("a short run waits for long ones")
	}
	done.Store(true)
	p.Close()
	if p.active != 0 {
		t.Errorf("%d places held", p.active)
	}
}
