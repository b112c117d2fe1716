package hooks_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/script"
)

type discard struct{}

func (discard) Record(hooks.Record) {}

// BenchmarkHandle measures one validating and deriving hook on a 300-byte event, from the payload's bytes to the
// verdict's, with everything but the transport.
func BenchmarkHandle(b *testing.B) {
	release, err := hooks.LoadProject(map[string]string{
		"gaff.yaml": "hooks:\n  - {service: customer, script: hooks/customer.js}\n",
		"hooks/customer.js": `
function beforePOST(req, res) {
  var b = req.body;
  if (!b.name || b.name.length > 100) return res.end({ error: [{ field: 'name', message: 'is required' }] });
  if (b.age < 18) return res.end({ error: [{ field: 'age', message: 'is too young' }] });
  b.slug = b.name.toLowerCase();
  res.end({ data: b });
}`,
	})
	if err != nil {
		b.Fatal(err)
	}
	tables := &hooks.Tables{}
	tables.Set(hooks.NewTable(release))
	runner := &hooks.Runner{
		Tables: tables, Engine: script.NewEngine(script.Config{}), Recorder: discard{},
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	payload := []byte(`{"message":{"name":"Ann Bernadette Carlsson","email":"ann@example.com","age":41,` +
		`"address":{"street":"Storgata 1","city":"Oslo","zip":"0155","country":"NO"},"tags":["new","vip"],"note":"` +
		strings.Repeat("x", 96) + `"}}`)
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		p, err := hooks.ParsePayload(payload)
		if err != nil {
			b.Fatal(err)
		}
		var v hooks.Verdict
		runner.HandleThen(b.Context(), &hooks.Event{
			App: "default", Service: "customer", Operation: "POST", Phase: hooks.Before, Payload: p,
			Deadline: time.Now().Add(10 * time.Second),
		}, func(got hooks.Verdict) { v = got })
		if out = v.AppendJSON(out[:0]); v.Error != nil {
			b.Fatal(v.Error)
		}
	}
}
