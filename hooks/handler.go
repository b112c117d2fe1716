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

// HandleThen gives f's verdict to then.
func (f HandlerFunc) HandleThen(ctx context.Context, e *Event, then func(Verdict)) { then(f(ctx, e)) }

// Answerer is a handler that need not hold its caller until there is a verdict.
type Answerer interface {
	// HandleThen gives the verdict to then, once: as a rule before it returns, but from another goroutine when a script
	// is stuck in a built-in function and holds the caller's. then may not panic. The event is not kept beyond then.
	HandleThen(ctx context.Context, e *Event, then func(Verdict))
}
