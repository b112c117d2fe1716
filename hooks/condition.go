package hooks

import (
	"bytes"
	"encoding/json"

	"github.com/tidwall/gjson"
)

// changed reports whether one of the fields differs between the message and the original. A PATCH that does not name a
// field leaves it as it is. Without fields there is no such condition.
func changed(fields []string, e *Event) bool {
	if len(fields) == 0 {
		return true
	}
	for _, field := range fields {
		now, was := gjson.GetBytes(e.Message, field), gjson.GetBytes(e.Original, field)
		if !now.Exists() && e.Operation == "PATCH" && e.Phase == Before {
			continue
		}
		if !sameJSON(now.Raw, was.Raw) {
			return true
		}
	}
	return false
}

func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	return a != "" && b != "" && bytes.Equal(compact(a), compact(b))
}

func compact(s string) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(s)); err != nil {
		return []byte(s)
	}
	return b.Bytes()
}
