package hooks

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestRecordJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, want := range []Record{
		{ID: "a", Time: at, App: "default", Kind: KindHook, Name: "customer", Event: "e", Status: StatusOK},
		{
			ID: "a", Time: at, App: "default", Kind: KindJob, Name: "nightly", Function: RunJob, Event: "e\"<ø\n", Release: 7,
			Attempt: 2, Status: StatusFailed, MS: 0.125, Input: json.RawMessage(`{"service":"s"}`), Verdict: json.RawMessage(`{"status":200}`),
			Error: &RecordError{Code: CodeHookError, Message: "x", Stack: "at f (a.js:1:2)"}, End: "done & gone",
			Log: []LogLine{{Level: "info", Time: at, Text: "text"}}, Calls: []HostCall{{Name: "db.get"}},
			Audit: &Audit{Actor: "admin", Action: "apply"},
		},
	} {
		raw := want.AppendJSON(nil)
		var got Record
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nbecame\n%+v\nwant\n%+v", raw, got, want)
		}
		if standard, err := json.Marshal(want); err != nil || string(standard) != string(raw) {
			t.Errorf("%s\nencoding/json writes\n%s", raw, standard)
		}
	}
}
