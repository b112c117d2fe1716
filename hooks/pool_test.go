package hooks

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Runs that wait for runs of the same pool must not starve: here each of more runs than there are places waits for a
// run of its own.
func TestPoolParkedRunsLeaveTheirPlace(t *testing.T) {
	t.Parallel()
	p := NewPool(2, 100)
	var outer sync.WaitGroup
	for range 40 {
		outer.Add(1)
		ok := p.Submit("default", func(place *Place) {
			defer outer.Done()
			inner := make(chan struct{})
			if !p.Submit("default", func(*Place) { close(inner) }) {
				t.Error("no room for an inner run")
				return
			}
			resume := place.Park()
			<-inner
			resume()
		})
		if !ok {
			t.Fatal("no room")
		}
	}
	outer.Wait()
	p.Close()
	if n := p.active; n != 0 {
		t.Errorf("%d places held after Close", n)
	}
}

func TestPoolRefusesPastItsBound(t *testing.T) {
	t.Parallel()
	p := NewPool(1, 3)
	release := make(chan struct{})
	var ran atomic.Int64
	for i := range 5 {
		ok := p.Submit("default", func(*Place) { <-release; ran.Add(1) })
		if ok != (i < 3) {
			t.Errorf("submit %d: %v", i, ok)
		}
	}
	close(release)
	p.Close()
	if ran.Load() != 3 {
		t.Errorf("%d ran, want 3", ran.Load())
	}
}
