package queue

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Of many handlers only as many are at work as the limit says, and no more messages are begun than it has room for.
func TestThrottle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const handlers = 64
		th := newThrottle(handlers)
		var begun atomic.Int64
		enter := func(from, to int) {
			for i := from; i < to; i++ {
				go func() {
					th.enter(i)
					begun.Add(1)
				}()
			}
		}
		expect := func(what string, want int64) {
			t.Helper()
			synctest.Wait()
			if n := begun.Load(); n != want {
				t.Errorf("%s: %d messages are begun, want %d", what, n, want)
			}
		}
		th.set(1) // never below the least
		enter(0, handlers)
		expect("throttled", throttleLeast)
		for range roomPerRun - 1 {
			enter(0, throttleLeast)
		}
		expect("full", roomPerRun*throttleLeast)
		enter(0, 1)
		expect("past it", roomPerRun*throttleLeast)
		th.leave()
		expect("one has ended", roomPerRun*throttleLeast+1)
		th.set(handlers)
		expect("not throttled", roomPerRun*throttleLeast+1+handlers-throttleLeast)
		th.set(throttleLeast)
		enter(0, 1)
		enter(handlers-1, handlers)
		expect("throttled again", roomPerRun*throttleLeast+1+handlers-throttleLeast)
		th.end()
		expect("at the end", roomPerRun*throttleLeast+1+handlers-throttleLeast+2)
	})
}
