package hooks

import (
	"encoding/json"
	"slices"
	"time"

	"gaff/script"
)

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
	rec.Calls = r.host.journal.list()
	if r.keep != nil {
		r.describe(rec, verdict, nil)
		r.keep(*rec)
		return
	}
	room, _ := r.runner.rooms.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	if *room = r.describe(rec, verdict, (*room)[:0]); cap(*room) > maxRoomKept {
		*room = nil
	}
	r.runner.Recorder.Record(*rec)
	rec.Verdict, rec.Input = nil, nil
	r.runner.rooms.Put(room)
}

const (
	// maxRecordedVerdict and maxRecordedInput bound how much of a verdict and of an event a record keeps, in bytes.
	maxRecordedVerdict = 16 << 10
	maxRecordedInput   = 16 << 10
	// maxRoomKept is the largest room for both, in bytes, that is kept for another record.
	maxRoomKept = 64 << 10
)

// describe has the record say what the hook saw and decided, in texts that are appended to room.
func (r *run) describe(rec *Record, verdict *Verdict, room []byte) []byte {
	if verdict != nil {
		room = appendRecorded(room, verdict)
		rec.Verdict = room[:len(room):len(room)]
	}
	if start := len(room); !r.event.large() {
		room = appendInput(room, r.event)
		rec.Input = room[start:]
	}
	r.table.masker.with(r.event.Headers).inRecord(rec)
	return room
}

// appendRecorded appends the verdict as its record keeps it: whole, or what it says without what it replaces.
func appendRecorded(dst []byte, v *Verdict) []byte {
	whole := v.AppendJSON(dst)
	if len(whole)-len(dst) <= maxRecordedVerdict {
		return whole
	}
	short := Verdict{Status: v.Status, Error: v.Error, Warnings: []string{"the verdict was too large to record"}}
	return short.AppendJSON(dst)
}

// large reports whether the event is too much for a record.
func (e *Event) large() bool { return e.size() > maxRecordedInput }

// input is what appendInput appends, or nil if the event is too much for a record.
func input(e *Event) json.RawMessage {
	if e.large() {
		return nil
	}
	return appendInput(make([]byte, 0, e.size()+256), e)
}

// appendInput appends the event as a record keeps it: what it is about, and its payload without the caller's credentials.
func appendInput(dst []byte, e *Event) []byte {
	p := e.Payload
	if p.Headers != nil {
		p.Headers = withoutCredentials(p.Headers)
	}
	return e.appendWhole(dst, &p)
}

// whole is the event with a payload in one object, of about so many bytes.
func (e *Event) whole(p *Payload, size int) json.RawMessage {
	return e.appendWhole(make([]byte, 0, size+256), p)
}

// appendWhole appends the event with a payload in one object: what it is about, then the payload.
func (e *Event) appendWhole(dst []byte, p *Payload) []byte {
	dst = append(appendString(append(dst, `{"service":`...), e.Service), `,"operation":`...)
	dst = append(appendString(dst, e.Operation), `,"phase":`...)
	dst = append(appendString(dst, string(e.Phase)), ',')
	at := len(dst)
	dst = p.AppendJSON(dst)
	if string(dst[at:]) == "{}" {
		dst[at-1] = '}'
		return dst[:at]
	}
	return append(dst[:at], dst[at+1:]...)
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
