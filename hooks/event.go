package hooks

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/tidwall/gjson"
)

// Phase says where in a call's life an event stands.
type Phase string

// The phases of a call; Tick, the moment at which a job is due; and Calls, at which a method runs.
const (
	Before Phase = "before"
	After  Phase = "after"
	Failed Phase = "failed"
	Tick   Phase = "tick"
	Calls  Phase = "call"
)

// Phases lists the phases that a call has.
func Phases() []Phase { return []Phase{Before, After, Failed} }

// Valid reports whether p is a phase of a call.
func (p Phase) Valid() bool { return slices.Contains(Phases(), p) }

// Origin says who made the call.
type Origin string

// Client calls come from outside, Script calls from a hook or job, S2S calls from a trusted server.
const (
	Client Origin = "client"
	Script Origin = "script"
	S2S    Origin = "s2s"
)

// MaxDepth is the deepest JSON nesting that Gaff takes from outside.
const MaxDepth = 64

// Event is one phase of one call. It is passed by pointer and not changed once it is published or asked.
type Event struct {
	App, Service, Operation string
	Phase                   Phase
	Payload
	// Deadline bounds the whole chain; the zero time means that the receiver sets its default.
	Deadline time.Time
	// Trace is the traceparent of the trace that the call belongs to, as [ParseTrace] returns it; empty: none. It travels
	// beside the payload.
	Trace string
	// Attempt counts deliveries from 1; 0 means 1.
	Attempt int
	// Asked says that somebody waits for the verdict: of after and failed hooks only those that are sync run. Otherwise the
	// event comes from the stream, and all but those run. It does not travel: the transport says it.
	Asked bool
	// Slot is where the process notes what it does with the event; nil if nobody watches it. It does not travel either.
	Slot Slot
	// Place is where in a pool the event's hooks run; nil: in none. It does not travel.
	Place *Place
	// Crash says that one of the event's hooks has ended the process that ran it: it counts as crashed, is recorded as that,
	// and is not run again. Nil: none has.
	Crash *Crash
}

// Crash is a run that has ended its process.
type Crash struct {
	Run string `json:"run"` // the id of its record
	// Name is that of the hook with its function, as callers see it.
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Reason  string    `json:"reason"`
}

// Payload is what travels: every field is optional and what the subject says is not repeated. The raw fields are
// slices of the message they were parsed from, and so may the texts be; nobody may write to it.
type Payload struct {
	ID       string
	Message  json.RawMessage // the call's arguments or body
	Query    json.RawMessage
	Hint     json.RawMessage
	Key      string          // the document's or entity's id
	Original json.RawMessage // the document before the change
	Result   json.RawMessage // what the call answered
	Error    json.RawMessage // {code,message,status} of a failed call
	Headers  json.RawMessage // lower-case names
	Session  json.RawMessage
	Origin   Origin // empty means Client
	Depth    int    // how many hooks stand between this call and the outside
	Context  json.RawMessage
	Job      json.RawMessage // of a tick: {id,name,cron,scheduledAt,attempt,manual}
}

// raw lists the raw fields by their name in JSON.
func (p *Payload) raw(name string) *json.RawMessage {
	switch name {
	case "message":
		return &p.Message
	case "query":
		return &p.Query
	case "hint":
		return &p.Hint
	case "original":
		return &p.Original
	case "result":
		return &p.Result
	case "error":
		return &p.Error
	case "headers":
		return &p.Headers
	case "session":
		return &p.Session
	case "context":
		return &p.Context
	case "job":
		return &p.Job
	}
	return nil
}

var rawFields = []string{"message", "query", "hint", "original", "result", "error", "headers", "session", "context", "job"}

// ParsePayload splits a payload into its fields without decoding them. Unknown fields are ignored, so that an older
// executor understands a newer caller. The error is a BAD_REQUEST that says what is wrong.
func ParsePayload(b []byte) (Payload, error) {
	var p Payload
	if len(b) == 0 {
		return p, nil
	}
	if err := checkJSON(b, MaxDepth+1); err != nil { // what may be nested MaxDepth deep stands one deeper here
		return p, err
	}
	root := gjson.Parse(textOf(b))
	if !root.IsObject() {
		return p, Errorf(CodeBadRequest, "the payload must be a JSON object")
	}
	var bad string
	root.ForEach(func(k, v gjson.Result) bool {
		if f := p.raw(k.Str); f != nil {
			*f = b[v.Index : v.Index+len(v.Raw)]
			return true
		}
		switch {
		case k.Str == "depth" && v.Type == gjson.Number && v.Num >= 0:
			p.Depth = int(v.Num)
		case k.Str == "id" && v.Type == gjson.String:
			p.ID = v.Str
		case k.Str == "key" && v.Type == gjson.String:
			p.Key = v.Str
		case k.Str == "origin" && v.Type == gjson.String:
			p.Origin = Origin(v.Str)
		case slices.Contains([]string{"id", "key", "origin", "depth"}, k.Str) && v.Type != gjson.Null:
			bad = k.Str
		}
		return bad == ""
	})
	if bad != "" {
		return p, Errorf(CodeBadRequest, "payload field %q has the wrong type", bad)
	}
	return p, nil
}

// AppendJSON appends the payload as ParsePayload reads it.
func (p *Payload) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	field := func(name string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(dst, name...)
		dst = append(dst, '"', ':')
	}
	text := func(name, s string) {
		if s != "" {
			field(name)
			dst = appendString(dst, s)
		}
	}
	text("id", p.ID)
	text("key", p.Key)
	text("origin", string(p.Origin))
	if p.Depth != 0 {
		field("depth")
		dst = strconv.AppendInt(dst, int64(p.Depth), 10)
	}
	for _, name := range rawFields {
		if raw := *p.raw(name); raw != nil {
			field(name)
			dst = append(dst, raw...)
		}
	}
	return append(dst, '}')
}

// textOf is b as a string, without a copy: nobody writes to what was received.
func textOf(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// CheckJSON returns a BAD_REQUEST or TOO_LARGE error if b is not one JSON value nested at most [MaxDepth] deep.
func CheckJSON(b []byte) error { return checkJSON(b, MaxDepth) }

// checkJSON looks at the depth first: what validates recurses, and a stack that overflows ends the process.
func checkJSON(b []byte, deepest int) error {
	if bytes.Count(b, []byte("{"))+bytes.Count(b, []byte("[")) > deepest && tooDeep(b, deepest) {
		return Errorf(CodeTooLarge, "JSON nested deeper than %d", MaxDepth)
	}
	switch {
	case !utf8.Valid(b):
		return Errorf(CodeBadRequest, "not UTF-8")
	case !gjson.Valid(textOf(b)):
		return Errorf(CodeBadRequest, "not valid JSON")
	}
	return nil
}

// tooDeep reports whether JSON is nested deeper than that anywhere.
func tooDeep(b []byte, deepest int) bool {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
