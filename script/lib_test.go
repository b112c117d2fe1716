package script

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dop251/goja"
)

// notFrozen lists what can be reached from the roots, and changed, with the way to it.
const notFrozen = `(function (roots) {
  const found = [], seen = new Set();
  const queue = roots.map((v, i) => [v, String(i)]);
  for (let i = 0; i < queue.length; i++) {
    const [v, path] = queue[i];
    if (v === null || typeof v !== 'object' && typeof v !== 'function' || seen.has(v)) continue;
    seen.add(v);
    if (!Object.isFrozen(v)) found.push(path);
    queue.push([Object.getPrototypeOf(v), path + '.__proto__']);
    for (const key of Reflect.ownKeys(v)) {
      const p = Object.getOwnPropertyDescriptor(v, key);
      queue.push([p.value, path + '.' + String(key)], [p.get, path + '.get ' + String(key)], [p.set, path + '.set ' + String(key)]);
    }
  }
  return found.join('\n');
})`

// libraryValues are what scripts can get of libraries, by names of globals and by what these make.
const libraryValues = `[...globalNames.map((name) => globalThis[name]), ...modules, new URLSearchParams('a=1').keys().__proto__,
  new URL('https://a.example').__proto__, new Headers().entries().__proto__, crypto.createHash('md5').__proto__,
  new ReadableStream().getReader().__proto__, request('x', () => {}).__proto__]`

// TestLibrariesFrozen looks for something of a library that one run could change for the next.
func TestLibrariesFrozen(t *testing.T) {
	t.Parallel()
	m := idleMachine(true)
	var names []any
	for i := range hostAPI {
		names = append(names, hostAPI[i].name)
	}
	modules := m.js.NewArray()
	for name := range builtinModules {
		if name != "handlebars" { // is made for each run
			if err := modules.Set(modules.Get("length").String(), m.builtinModule(name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	v, err := m.js.RunString("(function (globalNames, modules) { return " + notFrozen + "(" + libraryValues + ") })")
	if err != nil {
		t.Fatal(err)
	}
	f, _ := goja.AssertFunction(v)
	found, err := f(goja.Undefined(), m.js.NewArray(names...), modules)
	if err != nil {
		t.Fatal(err)
	}
	if found.String() != "" {
		t.Errorf("can be changed:\n%s", found)
	}
}

// host1 keeps the arguments of the first call.
type host1 struct{ args chan []json.RawMessage }

func (h host1) Start(_ string, args []json.RawMessage) func(context.Context) (json.RawMessage, error) {
	return func(context.Context) (json.RawMessage, error) {
		h.args <- args
		return json.RawMessage(`{"status":200,"headers":[],"body":""}`), nil
	}
}

// TestMultipart sends a form by request and by fetch, and reads it as a server would.
func TestMultipart(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"request": `request.post({url: 'https://a.example/', formData: {a: 'x', list: ['1', '2'],
			f: {value: Buffer.from([0, 255]), options: {filename: 'a "b".bin', contentType: 'image/png'}}}}, () => res.end())`,
		"fetch": `const f = new FormData(); f.append('a', 'x'); f.append('list', '1'); f.append('list', '2');
			f.append('f', new Blob([new Uint8Array([0, 255])], {type: 'image/png'}), 'a "b".bin');
			fetch('https://a.example/', {method: 'POST', body: f}).then(() => res.end())`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := Compile(Files{"main.js": "function beforePOST(req, res) {" + code + "}"}, "main.js")
			if err != nil {
				t.Fatal(err)
			}
			engine, h := NewEngine(Config{}), host1{make(chan []json.RawMessage, 1)}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if res := engine.Run(ctx, p, &Call{Function: "beforePOST", Host: h}); res.Err != nil {
				t.Fatal(res.Err)
			}
			checkForm(t, (<-h.args)[0])
		})
	}
}

func checkForm(t *testing.T, raw json.RawMessage) {
	t.Helper()
	var message struct {
		Headers    [][2]string
		BodyBase64 []byte
	}
	if err := json.Unmarshal(raw, &message); err != nil {
		t.Fatal(err)
	}
	var boundary string
	for _, h := range message.Headers {
		if strings.EqualFold(h[0], "content-type") {
			_, params, err := mime.ParseMediaType(h[1])
			if err != nil {
				t.Fatal(err)
			}
			boundary = params["boundary"]
		}
	}
	r := multipart.NewReader(bytes.NewReader(message.BodyBase64), boundary)
	var got []string
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part.FormName()+"|"+part.FileName()+"|"+part.Header.Get("Content-Type")+"|"+base64.StdEncoding.EncodeToString(b))
	}
	want := "a|||eA==\nlist|||MQ==\nlist|||Mg==\nf|a %22b%22.bin|image/png|AP8="
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

// TestLibrariesInParallel has many runs of one program load libraries and compile templates at the same time.
func TestLibrariesInParallel(t *testing.T) {
	t.Parallel()
	p, err := Compile(Files{"main.js": `function beforePOST(req, res) {
		const text = template('{{loud name}} {{n}}' + req.body.n % 3, req.body, { helpers: { loud: (s) => s.toUpperCase() } });
		async.map([1, 2], (n, next) => setImmediate(next, null, n + req.body.n), (error, list) =>
			res.end([text, list, crypto.hash('md5', markdown('# a')), Buffer.from(new URL('https://a.example/' + req.body.n).pathname).toString()]));
	}`}, "main.js")
	if err != nil {
		t.Fatal(err)
	}
	engine := NewEngine(Config{})
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 8 {
				n := worker*8 + i
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				res := engine.Run(ctx, p, &Call{Function: "beforePOST", Request: Request{Body: fmt.Appendf(nil, `{"name":"ann","n":%d}`, n)}})
				cancel()
				want := fmt.Sprintf(`["ANN %d%d",[%d,%d],"2333b33c4072ce9a27d93929f3fed598","/%d"]`, n, n%3, n+1, n+2, n)
				if res.Err != nil || string(res.Answer.Raw) != want {
					t.Errorf("got %s %v, want %s", res.Answer.Raw, res.Err, want)
				}
			}
		})
	}
	group.Wait()
}
