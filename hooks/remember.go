package hooks

import (
	"context"
	"sync/atomic"
	"time"
)

// Memory takes events that cannot be published now; a [Relay] publishes them later.
type Memory interface {
	Remember(ctx context.Context, e *Event) error
}

// PatientGate is a gate whose events are not lost while the stream takes none: the outbox has them until it does. An event
// that belongs to a change is committed with it and does not come this way. It is safe for concurrent use.
type PatientGate struct {
	Gate
	Memory Memory

	away atomic.Int64 // until when the stream is not tried, in Unix nanoseconds
}

const (
	// publishWithin is how long the stream may take to have an event before the outbox gets it.
	publishWithin = 300 * time.Millisecond
	// awayFor is for how long what comes after such an event goes to the outbox at once.
	awayFor = time.Second
)

// Publish returns nil once the stream or the outbox has the event, also if ctx has ended meanwhile: what has happened is
// told of. Events that go by the outbox may come behind later ones that do not. Of an event that no stream would take, the
// error is the gate's.
func (g *PatientGate) Publish(ctx context.Context, e *Event) error {
	ctx = context.WithoutCancel(ctx)
	if e.ID == "" { // the stream may have it after all, and must know it again
		with := *e
		with.ID = newID()
		e = &with
	}
	if time.Now().UnixNano() < g.away.Load() {
		return g.Memory.Remember(ctx, e)
	}
	soon, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	err := g.Gate.Publish(soon, e)
	if err == nil || AsError(err).Code != CodeUnavailable {
		return err
	}
	g.away.Store(time.Now().Add(awayFor).UnixNano())
	return g.Memory.Remember(ctx, e)
}
