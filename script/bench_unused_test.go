package script_test

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"testing"

	"gaff/script"
)

// What transpiling, modules, typings and the host API add to a run that does not use them: nothing, beside
// BenchmarkValidate300B and BenchmarkValidate4KB. The files do the same as validating.

const validatingTS = `
import type { Customer } from './lib/customer';
interface Named extends Customer { display?: string }
export function beforePOST(req: gaff.Req<Named>, res: gaff.Res): void {
  const m: Named = req.body;
  if (!m.name || m.name.length < 2) return res.end({ error: [{ field: 'name', message: 'too short' }] });
  if (!/^[^@]+@[^@]+$/.test(m.email!)) return res.end({ error: [{ field: 'email', message: 'not an address' }] });
  m.display = m.name + ' <' + m.email + '>';
  res.end({ data: m satisfies Named });
}`

// offers mentions most of the host API in functions that do not run.
const offers = `
function told(customer) {
  request({ url: 'https://example.com', json: true, body: customer }, function (e, r, body) { log.info(body); });
  sendMail({ to: customer.email, subject: 'Hi', html: template('<b>{{name}}</b>', customer) }, function () {});
  slack({ message: markdown('*hi*'), slackhookurl: context.settings.slack.url }, function () {});
  return fetch('https://example.com/' + crypto.createHash('sha256').update(Buffer.from(customer.name)).digest('hex'));
}
function counted(name) {
  async.waterfall([function (next) { db.get('/rest/x', {}, {}, next); }, async.apply(kv.set, name)], function () { jobs.enqueue('j', {}); });
  return auth.decode_jwt(new URL(name).searchParams.get('token'));
}
`

func benchmarkFiles(b *testing.B, files script.Files, main string, request json.RawMessage) {
	b.Helper()
	p, err := script.Compile(files, main)
	if err != nil {
		b.Fatal(err)
	}
	e := engine(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	call := &script.Call{Function: "beforePOST", Request: script.Request{Body: request}}
	if res := e.Run(ctx, p, call); res.Err != nil || res.Answer.Field("data") == nil {
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

func typescript() script.Files {
	return script.Files{"main.ts": validatingTS, "lib/customer.ts": "export interface Customer { name?: string; email?: string }"}
}

func BenchmarkUnusedTypeScript300B(b *testing.B) {
	benchmarkFiles(b, typescript(), "main.ts", body(300))
}
func BenchmarkUnusedTypeScript4KB(b *testing.B) {
	benchmarkFiles(b, typescript(), "main.ts", body(4096))
}
func BenchmarkUnusedHostAPI300B(b *testing.B) {
	benchmarkFiles(b, script.Files{"main.js": offers + validating}, "main.js", body(300))
}
func BenchmarkUnusedHostAPI4KB(b *testing.B) {
	benchmarkFiles(b, script.Files{"main.js": offers + validating}, "main.js", body(4096))
}
func BenchmarkUnusedModule300B(b *testing.B) {
	benchmarkFiles(b, script.Files{
		"main.js":      "import { note } from './lib/notes.js';\nexport { beforePOST };\nconst noted = (m) => note(m);" + validating,
		"lib/notes.js": "export function note(m) { return m.note; }",
	}, "main.js", body(300))
}
