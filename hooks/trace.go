package hooks

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// TraceHeader is the name of the header that says which trace a call belongs to, over HTTP and NATS.
const TraceHeader = "traceparent"

// Where the parts of a traceparent stand: version, trace, span, flags.
const (
	traceAt    = len("00-")
	traceUntil = traceAt + 32
	spanAt     = traceUntil + 1
	spanUntil  = spanAt + 16
	flagsAt    = spanUntil + 1
	traceSize  = flagsAt + 2
)

// ParseTrace returns a traceparent as W3C Trace Context (level 1) has it, in version 00; empty if the text is none.
func ParseTrace(text string) string {
	switch {
	case len(text) < traceSize, text[traceAt-1] != '-', text[traceUntil] != '-', text[spanUntil] != '-',
		!lowerHex(text[:traceAt-1]), !lowerHex(text[traceAt:traceUntil]), !lowerHex(text[spanAt:spanUntil]), !lowerHex(text[flagsAt:traceSize]),
		zeros(text[traceAt:traceUntil]), zeros(text[spanAt:spanUntil]):
		return ""
	}
	switch version, more := text[:traceAt-1], text[traceSize:]; {
	case version == "00":
		if more != "" {
			return ""
		}
		return text
	case version == "ff", more != "" && more[0] != '-':
		return ""
	}
	return "00" + text[traceAt-1:traceSize] // later versions begin with the same
}

// TraceID is the id of the trace that a traceparent names; empty for none.
func TraceID(trace string) string {
	if len(trace) < traceUntil {
		return ""
	}
	return trace[traceAt:traceUntil]
}

// NextTrace is a traceparent for a call that is made under another: of the same trace, with a span of its own.
func NextTrace(trace string) string {
	if len(trace) != traceSize {
		return ""
	}
	var span [8]byte
	rand.Read(span[:]) // never fails
	span[0] |= 1       // and is not all zeros
	return trace[:spanAt] + hex.EncodeToString(span[:]) + trace[spanUntil:]
}

func lowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func zeros(s string) bool { return strings.Trim(s, "0") == "" }
