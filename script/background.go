package script

import (
	"context"
	"sync"
)

// background is the host calls of one run. They run under the deadline of the run, and under its cancellation only
// while it lasts, so that a call that the script did not wait for is not cut off because the caller has its answer.
type background struct {
	ctx    context.Context
	cancel context.CancelFunc
	detach func() bool
	calls  sync.WaitGroup
}

func newBackground(parent context.Context) *background {
	b := &background{ctx: context.WithoutCancel(parent)}
	if deadline, ok := parent.Deadline(); ok {
		b.ctx, b.cancel = context.WithDeadline(b.ctx, deadline)
	} else {
		b.ctx, b.cancel = context.WithCancel(b.ctx)
	}
	b.detach = context.AfterFunc(parent, b.cancel)
	return b
}

// start runs one call, which the engine waits for when it closes.
func (r *run) background(f func(context.Context)) {
	if r.calls == nil {
		r.calls = newBackground(r.context())
	}
	b, stragglers := r.calls, r.stragglers
	b.calls.Add(1)
	stragglers.Add(1)
	go func() {
		defer stragglers.Done()
		defer b.calls.Done()
		f(b.ctx)
	}()
}

// release lets go of the calls that are still under way.
func (b *background) release() {
	b.detach()
	go func() {
		b.calls.Wait()
		b.cancel()
	}()
}
