package hooks

import "context"

// Handler is where every transport ends: an ask, an event from the stream, a tick. It must be safe for concurrent use.
type Handler interface {
	Handle(ctx context.Context, e *Event) Verdict
}

// HandlerFunc makes a function a [Handler].
type HandlerFunc func(ctx context.Context, e *Event) Verdict

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, e *Event) Verdict { return f(ctx, e) }
