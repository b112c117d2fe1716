package queue

import (
	"encoding/json"
	"testing"

	"gaff/hooks"
)

// BenchmarkKV is one call at a time of each function.
func BenchmarkKV(b *testing.B) {
	functions := hooks.KVFunctions(NewKV(connect(b, Config{})))
	caller := &hooks.Caller{Event: &hooks.Event{App: "shop"}}
	for _, c := range []struct{ name, args string }{{"set", `["k", {"a": 1}]`}, {"get", `["k"]`}, {"incr", `["n"]`}, {"list", `[]`}} {
		var args []json.RawMessage
		if err := json.Unmarshal([]byte(c.args), &args); err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := functions["kv."+c.name](b.Context(), caller, args); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
