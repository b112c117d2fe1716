package edge

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// headers returns the request's headers as scripts see them: a JSON object with lower-case names, in order. Values
// that carry a key with which one could administer are left out.
func (c *caller) headers(r *http.Request) json.RawMessage {
	var room [32]string
	names := room[:0]
	size := len(r.Host) + 16
	for name, values := range r.Header {
		names = append(names, name)
		size += len(name) + 8
		for _, v := range values {
			size += len(v) + 2
		}
	}
	slices.Sort(names)
	out := append(make([]byte, 0, size), `{"host":`...)
	out = appendString(out, r.Host)
	for _, name := range names {
		if value, ok := c.visible(r.Header[name]); ok && name != "Host" {
			out = append(out, ',')
			out = appendString(out, strings.ToLower(name))
			out = append(out, ':')
			out = appendString(out, value)
		}
	}
	return append(out, '}')
}

// visible joins the values that scripts may see; ok says whether there is one.
func (c *caller) visible(values []string) (joined string, ok bool) {
	if len(values) == 1 {
		return values[0], !c.mustHide(values[0])
	}
	values = slices.DeleteFunc(slices.Clone(values), c.mustHide)
	joined = strings.Join(values, ", ")
	return joined, len(values) > 0 && !c.mustHide(joined)
}

// appendString appends s as JSON.
func appendString(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			b, err := json.Marshal(s)
			if err != nil {
				panic(err) // a string always marshals
			}
			return append(dst, b...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}
