package hooks

import (
	"errors"
	"strings"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, json string
		want       Code
	}{
		{"deepest", strings.Repeat("[", 64) + strings.Repeat("]", 64), ""},
		{"too deep", strings.Repeat("[", 65) + strings.Repeat("]", 65), CodeTooLarge},
		{"so deep that a parser which recurses would overflow", strings.Repeat("[", 16<<20), CodeTooLarge},
		{"brackets in a string", `"` + strings.Repeat(`[\"`, 1000) + `"`, ""},
		{"cut off", `{"a":`, CodeBadRequest},
		{"two values", `{} {}`, CodeBadRequest},
		{"nothing", ``, CodeBadRequest},
	} {
		err := CheckJSON([]byte(c.json))
		var e *Error
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.As(err, &e) || e.Code != c.want):
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add([]byte(`{"id":"a","message":{"n":1},"depth":2,"origin":"script","key":"k","headers":{}}`))
	f.Add([]byte(`{"message":[[[[]]]],"id":7}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParsePayload(b)
		if err != nil {
			return
		}
		again, err := ParsePayload(p.AppendJSON(nil))
		if err != nil {
			t.Fatalf("%q became %q: %v", b, p.AppendJSON(nil), err)
		}
		if string(again.AppendJSON(nil)) != string(p.AppendJSON(nil)) {
			t.Errorf("%q differs after a round trip", b)
		}
	})
}
