package hooks

import (
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends the record as encoding/json would write it. There is one record for each run, so this is on the
// path of every call, and raw fields are copied without being looked at again.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst = appendText(append(dst, '{'), "id", r.ID)
	dst = append(dst, `,"time":"`...)
	dst = append(r.Time.AppendFormat(dst, time.RFC3339Nano), '"')
	dst = appendText(append(dst, ','), "app", r.App)
	dst = appendText(append(dst, ','), "kind", string(r.Kind))
	dst = appendText(append(dst, ','), "name", r.Name)
	if r.Function != "" {
		dst = appendText(append(dst, ','), "function", r.Function)
	}
	dst = appendText(append(dst, ','), "event", r.Event)
	if r.Trace != "" {
		dst = appendText(append(dst, ','), "trace", r.Trace)
	}
	dst = appendRaw(dst, "input", r.Input)
	dst = strconv.AppendUint(append(dst, `,"release":`...), r.Release, 10)
	dst = strconv.AppendInt(append(dst, `,"attempt":`...), int64(r.Attempt), 10)
	dst = appendText(append(dst, ','), "status", string(r.Status))
	dst = strconv.AppendFloat(append(dst, `,"ms":`...), r.MS, 'f', -1, 64)
	dst = appendRaw(dst, "verdict", r.Verdict)
	if r.Error != nil {
		dst = appendRaw(dst, "error", mustMarshal(r.Error))
	}
	if len(r.Log) > 0 {
		dst = appendRaw(dst, "log", mustMarshal(r.Log))
	}
	if len(r.Calls) > 0 {
		dst = appendRaw(dst, "calls", mustMarshal(r.Calls))
	}
	if r.End != "" {
		dst = appendText(append(dst, ','), "end", r.End)
	}
	if r.Audit != nil {
		dst = appendRaw(dst, "audit", mustMarshal(r.Audit))
	}
	return append(dst, '}')
}

func appendText(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, '"'), name...), '"', ':')
	return appendString(dst, value)
}

func appendRaw(dst []byte, name string, value json.RawMessage) []byte {
	if len(value) == 0 {
		return dst
	}
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	return append(dst, value...)
}

// appendString appends s as a JSON string.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return append(dst, mustMarshal(s)...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
