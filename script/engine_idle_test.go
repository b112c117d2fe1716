package script_test

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gaff/script"
)

// TestRuntimesAreKept: as many as there were runs at once, for a while.
func TestRuntimesAreKept(t *testing.T) {
	p := compile(t, `function beforePOST(req, res) { setTimeout(() => res.end(), 5) }`)
	synctest.Test(t, func(t *testing.T) {
		warm := 8 * runtime.GOMAXPROCS(0)
		atOnce := warm + 24
		e := script.NewEngine(script.Config{Idle: atOnce})
		var runs sync.WaitGroup
		for range atOnce {
			runs.Go(func() {
				if res := e.Run(t.Context(), p, &script.Call{Function: "beforePOST"}); res.Err != nil {
					t.Error(res.Err)
				}
			})
		}
		runs.Wait()
		if got := e.Idle(); got != atOnce {
			t.Errorf("%d runtimes are kept of %d", got, atOnce)
		}
		<-time.After(30 * time.Second)
		if got := e.Idle(); got != warm {
			t.Errorf("%d are kept for long, want %d", got, warm)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
