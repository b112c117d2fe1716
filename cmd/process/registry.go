package process

import (
	"context"
	"errors"
	"sync/atomic"

	"gaff/queue"
)

// callers are the keys of those who call, as the HTTP server needs them.
type callers struct {
	*queue.Keys
	loaded atomic.Bool
}

// run keeps what is known of the keys current until ctx ends.
func (c *callers) run(ctx context.Context) error {
	return c.Watch(ctx, func() { c.loaded.Store(true) })
}

// check is nil once the keys are loaded.
func (c *callers) check(context.Context) error {
	if !c.loaded.Load() {
		return errors.New("not loaded yet")
	}
	return nil
}
