package hooks

import (
	"cmp"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Limits bound the runs of a hook or job, or of all of an app. Zero is the app's, and if that is zero too the default:
// half of an executor's memory, 128 KiB of log, 1000 calls, 1 MiB, and no bound of how many or how often but the fair
// share that each app has of a worker.
type Limits struct {
	Memory      uint64  `json:"memory,omitempty"`      // bytes that one run may take, as far as that can be told
	Log         int     `json:"log,omitempty"`         // bytes that one run may log
	Calls       int     `json:"calls,omitempty"`       // calls that one run may make: documents, requests, mail and all else
	Payload     int     `json:"payload,omitempty"`     // bytes of an event that is run for, and of an answer
	Concurrency int     `json:"concurrency,omitempty"` // runs at once, in each executor
	Rate        float64 `json:"rate,omitempty"`        // runs in a second, in each executor
}

// within are the limits of one hook in an app.
func (l Limits) within(app Limits) Limits {
	return Limits{
		Memory: cmp.Or(l.Memory, app.Memory), Log: cmp.Or(l.Log, app.Log), Calls: cmp.Or(l.Calls, app.Calls),
		Payload: cmp.Or(l.Payload, app.Payload, MaxPayload), Concurrency: l.Concurrency, Rate: l.Rate,
	}
}

// MaxPayload is how many bytes an event or an answer may have, if nothing less is said.
const MaxPayload = 1 << 20

// Limiter counts the runs of hooks and apps that have a limit of how many or how often. Its zero value is ready, and it is
// safe for concurrent use.
type Limiter struct {
	meters sync.Map // key → *meter
}

// meter is what runs of one hook or app.
type meter struct {
	running atomic.Int64
	rate    *rate.Limiter
}

// enter reports whether another run of the key may begin; leave must follow if it does.
func (l *Limiter) enter(key string, limits *Limits) (leave func(), ok bool) {
	if limits.Concurrency == 0 && limits.Rate == 0 {
		return func() {}, true
	}
	kept, found := l.meters.Load(key)
	if !found {
		kept, _ = l.meters.LoadOrStore(key, &meter{rate: rate.NewLimiter(rate.Inf, 1)})
	}
	m := kept.(*meter)
	if limits.Rate > 0 {
		if most := rate.Limit(limits.Rate); m.rate.Limit() != most {
			m.rate.SetLimit(most)
			m.rate.SetBurst(max(1, int(limits.Rate)))
		}
		if !m.rate.Allow() {
			return nil, false
		}
	}
	if m.running.Add(1) > int64(limits.Concurrency) && limits.Concurrency > 0 {
		m.running.Add(-1)
		return nil, false
	}
	return func() { m.running.Add(-1) }, true
}

// admit lets a run of the hook begin, or says why it may not: the app or the hook runs as often as it may, or the event is
// too large for it. What is counted is given back when the run is finished.
func (r *run) admit(limits Limits) *Error {
	app := &r.table.Release.Limits
	r.limits = limits.within(*app)
	if r.event.size() > r.limits.Payload {
		return r.fault(CodeTooLarge, fmt.Sprintf("the event has more than %d bytes, the limit of its payload", r.limits.Payload))
	}
	if app.Concurrency == 0 && app.Rate == 0 && limits.Concurrency == 0 && limits.Rate == 0 {
		return nil
	}
	fromApp, ok := r.runner.limiter.enter(r.record.App, app)
	if !ok {
		return r.fault(CodeOverloaded, "the app runs as often as its limits let it; try again")
	}
	fromHook, ok := r.runner.limiter.enter(StrikeKey(r.record.App, r.record.Kind, r.record.Name), &limits)
	if !ok {
		fromApp()
		return r.fault(CodeOverloaded, "it runs as often as its limits let it; try again")
	}
	r.leave = func() { fromHook(); fromApp() }
	return nil
}

// size is how many bytes the event brings, beside what the transport says.
func (e *Event) size() (n int) {
	for _, name := range rawFields {
		n += len(*e.raw(name))
	}
	return n
}
