package hooks

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestVerdictRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []Verdict{
		GoOn(),
		{Status: 200, Message: json.RawMessage(`{"a":[1,{"b":null}]}`), Context: json.RawMessage(`7`), Warnings: []string{"x \"y\""}},
		{Status: 200, Query: json.RawMessage(`{}`), Hint: json.RawMessage(`{"$max":1}`), Result: json.RawMessage(`[]`)},
		{Status: 200, Respond: &Response{Status: 202, Body: json.RawMessage(`{"ok":true}`)}},
		{Status: 403, Error: &Error{Status: 403, Code: CodeRejected, Message: "no", Hook: "a.beforePOST", Fields: []FieldError{{"f", "m"}}}},
	} {
		got, err := ParseVerdict(want.AppendJSON(nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nbecame %+v, %v\nwant %+v", want.AppendJSON(nil), got, err, want)
		}
	}
	for _, bad := range []string{"", "{", "[]", `{"status":200,"error":7}`, `{"warnings":{}}`} {
		if v, err := ParseVerdict([]byte(bad)); err == nil {
			t.Errorf("%q is %+v", bad, v)
		}
	}
}
