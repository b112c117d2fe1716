package hooks

import (
	"encoding/json"
	"slices"
	"time"

	"gaff/script"
)

// maxRecordedVerdict bounds how much of a verdict its record keeps, in bytes.
const maxRecordedVerdict = 16 << 10

// finish writes the run's record. status says what an error means, unless its code says that it was a timeout.
func (r *run) finish(res *scriptResult, err *Error, status Status, verdict *Verdict) {
	if r.leave != nil {
		r.leave()
		r.leave = nil
	}
	rec := &r.record
	rec.MS = float64(time.Since(r.started).Microseconds()) / 1000
	if err != nil {
		rec.Status = status
		if err.Code == CodeHookTimeout && status == StatusFailed {
			rec.Status = StatusTimeout
		}
		rec.Error = &RecordError{Code: err.Code, Message: err.Message}
	}
	if res != nil {
		if res.Err != nil && rec.Error != nil {
			rec.Error.Stack = res.Err.Stack
		}
		for _, l := range res.Log {
			rec.Log = append(rec.Log, LogLine{Level: l.Level, Time: l.Time, Text: l.Text})
		}
	}
	r.runner.Conduct.judge(rec, rec.Status == StatusTimeout || r.host.offended.Load() || res != nil && res.Err != nil && res.Err.Kind == script.Greedy)
	if lines := r.host.lines.take(); len(lines) > 0 {
		rec.Log = append(rec.Log, lines...)
		slices.SortStableFunc(rec.Log, func(a, b LogLine) int { return a.Time.Compare(b.Time) })
	}
	if verdict != nil {
		rec.Verdict = recordedVerdict(verdict)
	}
	rec.Input, rec.Calls = input(r.event), r.host.journal.list()
	r.table.masker.with(r.event.Headers).inRecord(rec)
	if r.keep != nil {
		r.keep(*rec)
		return
	}
	r.runner.Recorder.Record(*rec)
}

// recordedVerdict is the verdict as its record keeps it: whole, or what it says without what it replaces.
func recordedVerdict(v *Verdict) json.RawMessage {
	raw := v.AppendJSON(make([]byte, 0, v.size()))
	if len(raw) <= maxRecordedVerdict {
		return raw
	}
	short := Verdict{Status: v.Status, Error: v.Error, Warnings: []string{"the verdict was too large to record"}}
	return short.AppendJSON(nil)
}

// maxRecordedInput bounds how large an event may be for its record to keep it, in bytes.
const maxRecordedInput = 16 << 10

// input is the event as a record keeps it: what it is about, and its payload without the caller's credentials; nil if
// that is too much.
func input(e *Event) json.RawMessage {
	size := 0
	for _, name := range rawFields {
		size += len(*e.raw(name))
	}
	if size > maxRecordedInput {
		return nil
	}
	p := e.Payload
	if p.Headers != nil {
		p.Headers = withoutCredentials(p.Headers)
	}
	return e.whole(&p, size)
}

// whole is the event with a payload in one object: what it is about, then the payload, of about so many bytes.
func (e *Event) whole(p *Payload, size int) json.RawMessage {
	raw := make([]byte, 0, size+256)
	raw = append(appendString(append(raw, `{"service":`...), e.Service), `,"operation":`...)
	raw = append(appendString(raw, e.Operation), `,"phase":`...)
	raw = append(appendString(raw, string(e.Phase)), ',')
	at := len(raw)
	raw = p.AppendJSON(raw)
	if string(raw[at:]) == "{}" {
		raw[at-1] = '}'
		return raw[:at]
	}
	return append(raw[:at], raw[at+1:]...)
}

// withoutCredentials is the caller's headers with what opens something masked.
func withoutCredentials(raw json.RawMessage) json.RawMessage {
	headers, err := parseDocument(raw, "headers")
	if err != nil {
		return nil
	}
	for _, name := range credentialHeaders() {
		if headers.get(name) != nil {
			headers.set(name, json.RawMessage(`"`+masked+`"`))
		}
	}
	return headers.raw()
}
