package script_test

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"gaff/script"
)

// workerGC is how a worker's garbage collector is set.
const workerGC = 400

// checking lets a good body through as it is.
const checking = `
function beforePOST(req, res) {
  const m = req.body;
  if (!m.name || m.name.length < 2) return res.end({ error: [{ field: 'name', message: 'too short' }] });
  if (!/^[^@]+@[^@]+$/.test(m.email)) return res.end({ error: [{ field: 'email', message: 'not an address' }] });
  res.end();
}`

// validating checks, derives a field and gives the body back.
const validating = `
function beforePOST(req, res) {
  const m = req.body;
  if (!m.name || m.name.length < 2) return res.end({ error: [{ field: 'name', message: 'too short' }] });
  if (!/^[^@]+@[^@]+$/.test(m.email)) return res.end({ error: [{ field: 'email', message: 'not an address' }] });
  m.display = m.name + ' <' + m.email + '>';
  res.end({ data: m });
}`

func body(size int) json.RawMessage {
	b := `{"name":"Ann Example","email":"ann@example.com","amount":12.5,"tags":["a","b"],"address":{"street":"Main street 1","zip":"0123"},"note":"`
	return json.RawMessage(b + strings.Repeat("x", max(0, size-len(b)-2)) + `"}`)
}

// manyFields has the size in fields instead of one long text.
func manyFields(size int) json.RawMessage {
	b := []byte(`{"name":"Ann Example","email":"ann@example.com"`)
	for i := 0; len(b) < size-40; i++ {
		b = fmt.Appendf(b, `,"field%d":"value number %d"`, i, i)
	}
	return append(b, '}')
}

func benchmark(b *testing.B, source string, request json.RawMessage) {
	b.Helper()
	benchmarkCounted(b, nil, source, request)
}

// benchmarkCounted counts statements unless c is nil.
func benchmarkCounted(b *testing.B, c *script.Coverage, source string, request json.RawMessage) {
	b.Helper()
	p, err := c.Compile(script.Files{"main.js": source}, "main.js")
	if err != nil {
		b.Fatal(err)
	}
	e := engine(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	call := &script.Call{Function: "beforePOST", Request: script.Request{Body: request}}
	if res := e.Run(ctx, p, call); res.Err != nil {
		b.Fatal(res.Err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(workerGC))
	b.ReportAllocs()
	for b.Loop() {
		if res, _ := e.RunHere(ctx, p, call, nil); res.Err != nil {
			b.Fatal(res.Err)
		}
	}
}

// lastValue does the same as validating.
const lastValue = `
message = data.message;
var retval = {};
if (!message.name || message.name.length < 2) {
  retval.status = 400;
  retval.errorMessage = 'too short';
} else {
  message.display = message.name + ' <' + message.email + '>';
  retval.status = 200;
  retval.messageOverride = message;
}
retval;`

func benchmarkLastValue(b *testing.B, source string, request json.RawMessage) {
	b.Helper()
	p, err := script.Compile(script.Files{"main.js": source}, "main.js", "beforePOST")
	if err != nil {
		b.Fatal(err)
	}
	e := engine(b)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	call := &script.Call{Request: script.Request{Body: request, Params: json.RawMessage(`{"level":3}`)}}
	if res := e.Run(ctx, p, call); res.Err != nil {
		b.Fatal(res.Err)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(workerGC))
	b.ReportAllocs()
	for b.Loop() {
		if res, _ := e.RunHere(ctx, p, call, nil); res.Err != nil {
			b.Fatal(res.Err)
		}
	}
}

func BenchmarkLastValue300B(b *testing.B)      { benchmarkLastValue(b, lastValue, body(300)) }
func BenchmarkLastValue4KB(b *testing.B)       { benchmarkLastValue(b, lastValue, body(4096)) }
func BenchmarkLastValue4KBFields(b *testing.B) { benchmarkLastValue(b, lastValue, manyFields(4096)) }
func BenchmarkLastValueBridge(b *testing.B) {
	benchmarkLastValue(b, "bridge.logInfo('running'); bridge.getProfileId();"+lastValue, body(300))
}
func BenchmarkLastValueFresh(b *testing.B) {
	benchmarkLastValue(b, lastValue+"\nif (data === null) globalThis.x = 1;\nretval;", body(300))
}

func BenchmarkCheck300B(b *testing.B)         { benchmark(b, checking, body(300)) }
func BenchmarkCheck4KB(b *testing.B)          { benchmark(b, checking, body(4096)) }
func BenchmarkValidate300B(b *testing.B)      { benchmark(b, validating, body(300)) }
func BenchmarkValidate4KB(b *testing.B)       { benchmark(b, validating, body(4096)) }
func BenchmarkValidate4KBFields(b *testing.B) { benchmark(b, validating, manyFields(4096)) }
func BenchmarkCounted300B(b *testing.B) {
	benchmarkCounted(b, &script.Coverage{}, validating, body(300))
}
func BenchmarkUntouched4KB(b *testing.B) {
	benchmark(b, `function beforePOST(req, res) { res.end() }`, manyFields(4096))
}
func BenchmarkAsync(b *testing.B) {
	benchmark(b, `async function beforePOST(req) { await null; return {data: {n: 1}} }`, body(300))
}
func BenchmarkFresh(b *testing.B) {
	benchmark(b, validating+"\nString.prototype.shout = function () { return this + '!' }", body(300))
}

// What libraries cost a run that uses them, beside BenchmarkValidate300B, which does not.
func BenchmarkLibraryAsync(b *testing.B) {
	benchmark(b, `function beforePOST(req, res) {
		async.waterfall([(next) => next(null, 1), (n, next) => next(null, n + 1)], (error, n) => res.end({data: {n}}));
	}`, body(300))
}
func BenchmarkLibraryCrypto(b *testing.B) {
	benchmark(b, `function beforePOST(req, res) { res.end({data: crypto.createHash('sha256').update(req.body.note).digest('hex')}) }`, body(300))
}
func BenchmarkLibraryTemplate(b *testing.B) {
	benchmark(b, `function beforePOST(req, res) { res.end({data: template('Dear {{name}}, {{#each tags}}{{this}} {{/each}}', req.body)}) }`, body(300))
}

func Benchmark200Functions(b *testing.B) {
	var s strings.Builder
	for i := range 200 {
		fmt.Fprintf(&s, "function helper%d(a) { return a + %d }\n", i, i)
	}
	benchmark(b, s.String()+validating, body(300))
}

func BenchmarkNewRuntime(b *testing.B) {
	for b.Loop() {
		script.NewFrozen()
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := script.Compile(script.Files{"main.js": validating}, "main.js"); err != nil {
			b.Fatal(err)
		}
	}
}
