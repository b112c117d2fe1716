package edge

import (
	"testing"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// FuzzRestParams: whatever stands in a URL, what becomes of it is JSON objects without what only the server sets, or
// an error that the caller can read.
func FuzzRestParams(f *testing.F) {
	for _, seed := range []string{
		"", `q={"a":1}&h={"$max":1}`, "sort=a&dir=-1&skip=1&max=2", "h={}&sort=\"", "q=%ff", "a;b", "h={\"\\u0023usersession\":1}", "max=1&max=2",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, raw string, many bool) {
		call := hooks.CollectionCall{Operation: "GET"}
		if !many {
			call.ID = "a"
		}
		query, hint, err := restParams(raw, paramsOf(&call))
		if err != nil {
			if e := hooks.AsError(err); e.Status != 400 && e.Status != 413 {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		for name, b := range map[string][]byte{"query": query, "hint": hint} {
			if b != nil && (hooks.CheckJSON(b) != nil || !gjson.ParseBytes(b).IsObject()) {
				t.Fatalf("%q: %s %s", raw, name, b)
			}
		}
		gjson.ParseBytes(hint).ForEach(func(k, _ gjson.Result) bool {
			if name := k.String(); name != "" && name[0] == '#' {
				t.Fatalf("%q: the hint has %s", raw, name)
			}
			return true
		})
	})
}
