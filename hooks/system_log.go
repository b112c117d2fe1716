package hooks

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/tidwall/gjson"
)

// SystemLogCollection is the log of an app as a collection.
const SystemLogCollection = "System_log"

// maxSystemLog is how many records a query looks at: the newest.
const maxSystemLog = 10_000

// SystemLog shows the records of an app's runs as a collection that is only read. A query looks at the newest 10,000
// records of the kind, name, status and event that it asks for, and of the time since which it asks for them.
type SystemLog struct {
	Logs   func(ctx context.Context, f LogFilter) ([]Record, error)
	Select Select
}

// Do carries a call out.
func (s *SystemLog) Do(ctx context.Context, call CollectionCall) (Reply, error) {
	if call.Operation != http.MethodGet {
		err := Errorf(CodeForbidden, "the log can only be read")
		err.Status = http.StatusMethodNotAllowed
		return Reply{}, err
	}
	filter := logFilterOf(call.Query)
	filter.App, filter.Limit = call.App, maxSystemLog
	records, err := s.Logs(ctx, filter)
	if err != nil {
		return Reply{}, err
	}
	docs := make([]json.RawMessage, 0, len(records))
	for i := range records {
		if r := &records[i]; r.Kind != KindAudit {
			docs = append(docs, logDocument(r))
		}
	}
	if !gjson.GetBytes(call.Hint, `\$orderby`).Exists() && call.ID == "" { // the newest first
		hint, err := parseDocument(orObject(call.Hint), "the hint")
		if err != nil {
			return Reply{}, err
		}
		hint.set("$orderby", json.RawMessage(`{"time":-1}`))
		call.Hint = hint.raw()
	}
	reply, err := answerSelected(s.Select, &call, docs)
	if err == nil && len(records) == maxSystemLog {
		reply.Warnings = []string{"older records than the newest 10000 were not looked at"}
	}
	return reply, err
}

func orObject(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// logDocument is a record with the fields that every document has.
func logDocument(r *Record) json.RawMessage {
	at := timestamp(r.Time)
	d := append([]byte(`{"_id":`), appendString(nil, r.ID)...)
	d = append(append(d, `,"_version":0,"_created":`...), at...)
	d = append(append(d, `,"_changed":`...), at...)
	record := r.AppendJSON(nil)
	return append(append(d, ','), record[1:]...)
}

// logFilterOf is what of a query the log itself can select by. Every condition is looked at again later.
func logFilterOf(query json.RawMessage) (f LogFilter) {
	for name, to := range map[string]func(string){
		"kind": func(s string) { f.Kind = Kind(s) }, "name": func(s string) { f.Name = s },
		"status": func(s string) { f.Status = Status(s) }, "event": func(s string) { f.Event = s },
	} {
		if v := gjson.GetBytes(query, name); v.Type == gjson.String && (name == "status" || name == "event" || ValidName(v.Str)) {
			to(v.Str)
		}
	}
	for _, path := range []string{`time.\$gte`, `time.\$gt`, `_created.\$gte`, `_created.\$gt`} {
		if t, err := time.Parse(time.RFC3339, gjson.GetBytes(query, path).String()); err == nil && t.After(f.Since) {
			f.Since = t.Add(-time.Second)
		}
	}
	return f
}
