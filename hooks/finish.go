package hooks

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// maxRecordedVerdict bounds how much of a verdict its record keeps, in bytes.
const maxRecordedVerdict = 16 << 10

// finish writes the run's record. status says what an error means, unless its code says that it was a timeout.
func (r *run) finish(res *scriptResult, err *Error, status Status, verdict *Verdict) {
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
	if verdict != nil {
		rec.Verdict = recordedVerdict(verdict)
	}
	mask(rec, r.event.Headers)
	r.runner.Recorder.Record(*rec)
}

// recordedVerdict is the verdict as its record keeps it: whole, or what it says without what it replaces.
func recordedVerdict(v *Verdict) json.RawMessage {
	raw := v.AppendJSON(nil)
	if len(raw) <= maxRecordedVerdict {
		return raw
	}
	short := Verdict{Status: v.Status, Error: v.Error, Warnings: []string{"the verdict was too large to record"}}
	return short.AppendJSON(nil)
}

var credentialHeaders = []string{"authorization", "proxy-authorization", "x-apikey", "x-api-key", "cookie"}

const masked = "***"

// minSecret is the length under which a header's value is not taken for a secret, so that masking cannot shred a log.
const minSecret = 6

// mask takes the caller's credentials out of a record, wherever a script has written them.
func mask(rec *Record, headers json.RawMessage) {
	if headers == nil {
		return
	}
	var replace []string
	for _, name := range credentialHeaders {
		value := gjson.GetBytes(headers, name).String()
		if _, token, found := strings.Cut(value, " "); found && len(token) >= minSecret {
			replace = append(replace, token, masked)
		} else if len(value) >= minSecret {
			replace = append(replace, value, masked)
		}
	}
	if replace == nil {
		return
	}
	r := strings.NewReplacer(replace...)
	rec.End = r.Replace(rec.End)
	for i := range rec.Log {
		rec.Log[i].Text = r.Replace(rec.Log[i].Text)
	}
	if rec.Error != nil {
		rec.Error.Message, rec.Error.Stack = r.Replace(rec.Error.Message), r.Replace(rec.Error.Stack)
	}
	for i := 0; i < len(replace) && rec.Verdict != nil; i += 2 {
		secret := mustMarshal(replace[i])
		rec.Verdict = bytes.ReplaceAll(rec.Verdict, secret[1:len(secret)-1], []byte(masked))
	}
}
