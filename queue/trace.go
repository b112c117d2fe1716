package queue

import (
	"github.com/nats-io/nats.go"

	"gaff/hooks"
)

// traceCanonical is the trace's header as clients write it whose headers are those of HTTP.
const traceCanonical = "Traceparent"

// readTrace returns the traceparent of a message. One that is malformed, or one of several, is none.
func readTrace(h nats.Header) string {
	if len(h) == 0 {
		return ""
	}
	values := h[hooks.TraceHeader]
	if values == nil {
		values = h[traceCanonical]
	}
	if len(values) != 1 {
		return ""
	}
	return hooks.ParseTrace(values[0])
}

// setTrace has a message say which trace it belongs to, if to any.
func setTrace(h nats.Header, trace string) {
	if trace != "" {
		h[hooks.TraceHeader] = []string{trace}
	}
}

// traceOf returns the trace of an event that may be anybody's.
func traceOf(e *hooks.Event) string {
	if e.Trace == "" {
		return ""
	}
	return hooks.ParseTrace(e.Trace)
}
