package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gaff/script"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func compile(t testing.TB, source string) *script.Program {
	t.Helper()
	p, err := script.Compile(script.Files{"main.js": source}, "main.js")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func engine(t testing.TB) *script.Engine {
	t.Helper()
	e := script.NewEngine(script.Config{})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return e
}

func deadline(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	p := compile(t, `
		function beforePOST() {}
		const afterPOST = async () => {};
		let beforePUT = function () {}, beforeGET = 1;
		exports.afterPUT = function () {};
		beforeDELETE = function () {};
		class runJob {}
		if (false) { var afterDELETE = function () {}; }`)
	known := strings.Split("beforeGET beforePOST beforePUT beforeDELETE afterPOST afterPUT afterDELETE other", " ")
	got := p.Functions(known)
	if want := strings.Split("beforePOST beforePUT beforeDELETE afterPOST afterPUT", " "); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestPooledRuntimesKeepNothing tries to leave something behind in all that runs of one runtime share, in ways that
// are not recognised when the program is compiled.
func TestPooledRuntimesKeepNothing(t *testing.T) {
	t.Parallel()
	p := compile(t, `
		const up = (o) => Object['getProto' + 'typeOf'](o);
		function* gen() {}
		async function later() {}
		function beforePOST(req, res) {
			const own0 = {};
			const targets = [
				up({}), up([]), up(''), up(1), up(true), up(/x/), up(new Date()), up(function () {}), up(gen), up(gen()),
				up(later), up(later()), up(new Map()), up(new Set()), up(new WeakMap()), up(new Map().entries()), up([].values()),
				up(''.matchAll(/x/g)), up(up([].values())), up(new Uint8Array(1)), up(up(new Uint8Array(1))), up(new ArrayBuffer(1)),
				up(new Error('x')), up(new TypeError('x')), up(res), up(req), up(req.body), (0, Math), (0, JSON), (0, console),
				(0, log), (0, db), (0, context), (0, setTimeout), log.info, res.end, db.get, later().then, [].push, Object.keys,
				up(new Promise(() => {})), (() => 0)['constructor'], up(new DataView(new ArrayBuffer(1))), own0,
			];
			const found = targets.map((o) => 'leak' in o || o.leak !== undefined).filter(Boolean).length;
			let failed = 0;
			for (const o of targets) {
				try { o['le' + 'ak'] = 1 } catch (e) { failed++ }
				try { Object['define' + 'Property'](o, 'leak', { value: 1 }) } catch (e) { failed++ }
			}
			const own = targets.map((o, i) => o.leak !== undefined ? i : -1).filter((i) => i >= 0).join();
			res.end({ found, failed, own });
		}
`)
	if p.Fresh() {
		t.Fatal("this has to run in a pooled runtime")
	}
	e := engine(t)
	for i := range 3 {
		res := e.Run(t.Context(), p, &script.Call{Function: "beforePOST", Request: script.Request{Body: json.RawMessage(`{}`)}})
		if res.Err != nil {
			t.Fatal(res.Err, res.Err.Stack)
		}
		// Only what belongs to the run itself takes the property: gen.prototype and own0.
		if got := string(res.Answer.Field("found")); got != "0" {
			t.Errorf("run %d found %s things of the run before", i, got)
		}
		if got := string(res.Answer.Field("own")); got != `"9,43"` {
			t.Errorf("run %d changed %s shared things: %s", i, got, res.Answer.Raw)
		}
	}
}

// TestStuck runs a built-in function that does not see interrupts: the caller is answered at its deadline.
func TestStuck(t *testing.T) {
	t.Parallel()
	p := compile(t, `function beforePOST(req, res) {
		log.info('begun');
		const s = 'a'.repeat(22);
		/^(a+)+\1$/.test(s + 'b');
		res.end();
	}`)
	e := engine(t)
	start := time.Now()
	res := e.Run(deadline(t, 50*time.Millisecond), p, &script.Call{Function: "beforePOST"})
	if took := time.Since(start); took > time.Second {
		t.Errorf("took %v", took)
	}
	if res.Err == nil || res.Err.Kind != script.TimedOut || len(res.Log) != 1 {
		t.Errorf("got %+v", res)
	}
	look, end := time.NewTicker(time.Millisecond), time.After(5*time.Minute)
	defer look.Stop()
	for e.Abandoned() > 0 {
		select {
		case <-look.C:
		case <-end:
			t.Fatal("still stuck")
		}
	}
}

// TestSleepEndsWithItsScript: bridge.sleep waits at most until the script has to end.
func TestSleepEndsWithItsScript(t *testing.T) {
	t.Parallel()
	p, err := script.Compile(script.Files{"main.js": "log.info('begun');\nbridge.sleep(1e9);"}, "main.js", "beforePOST")
	if err != nil {
		t.Fatal(err)
	}
	res := engine(t).Run(deadline(t, 3*time.Second), p, &script.Call{})
	if res.Err == nil || res.Err.Kind != script.TimedOut || res.Err.Line != 2 || len(res.Log) != 1 {
		t.Errorf("got %+v", res)
	}
}

func TestInterruptedRuntimeIsNotReused(t *testing.T) {
	t.Parallel()
	e := engine(t)
	endless, good := compile(t, `function beforePOST() { for (;;); }`), compile(t, `function beforePOST() { return 1 }`)
	for range 5 {
		if res := e.Run(deadline(t, 5*time.Millisecond), endless, &script.Call{Function: "beforePOST"}); res.Err == nil {
			t.Fatal("ended")
		}
		if res := e.Run(t.Context(), good, &script.Call{Function: "beforePOST"}); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	res := engine(t).Run(ctx, compile(t, `function beforePOST() { return 1 }`), &script.Call{Function: "beforePOST"})
	if res.Err == nil || res.Err.Kind != script.TimedOut {
		t.Errorf("got %+v", res)
	}
}

type hostFunc func(ctx context.Context, name string, args []json.RawMessage) (json.RawMessage, error)

func (f hostFunc) Start(name string, args []json.RawMessage) func(context.Context) (json.RawMessage, error) {
	return func(ctx context.Context) (json.RawMessage, error) { return f(ctx, name, args) }
}

func TestParkWhileWaiting(t *testing.T) {
	t.Parallel()
	parked, resumed := make(chan struct{}, 9), 0
	host := hostFunc(func(context.Context, string, []json.RawMessage) (json.RawMessage, error) {
		<-parked // answers only once the run has said that it waits
		return json.RawMessage(`[]`), nil
	})
	call := &script.Call{Function: "beforePOST", Host: host, Park: func() func() {
		parked <- struct{}{}
		return func() { resumed++ }
	}}
	p := compile(t, `async function beforePOST(req, res) { await db.get('/rest/a'); res.end() }`)
	if res := engine(t).Run(deadline(t, 5*time.Second), p, call); res.Err != nil || resumed != 1 {
		t.Errorf("resumed %d times, %v", resumed, res.Err)
	}
}

// TestCallOutlivesRun checks that a call which the script does not wait for is not cut off when the caller goes on.
func TestCallOutlivesRun(t *testing.T) {
	t.Parallel()
	release, got := make(chan struct{}), make(chan error, 1)
	host := hostFunc(func(ctx context.Context, _ string, _ []json.RawMessage) (json.RawMessage, error) {
		<-release
		got <- ctx.Err()
		return nil, nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p := compile(t, `function beforePOST(req, res) { db.post('/rest/log', {}); res.end() }`)
	if res := engine(t).Run(ctx, p, &script.Call{Function: "beforePOST", Host: host}); res.Err != nil {
		t.Fatal(res.Err)
	}
	cancel()
	close(release)
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// TestConcurrent runs several programs at once and checks that each run gets its own answer.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	e := engine(t)
	programs := []*script.Program{
		compile(t, `function beforePOST(req, res) { n = req.body.n; res.end({n: n}) }`),
		compile(t, `async function beforePOST(req) { await db.get('/x'); return {n: req.body.n} }`),
		compile(t, `Array.prototype.x = 1; function beforePOST(req, res) { setTimeout(() => res.end({n: req.body.n}), 1) }`),
	}
	host := hostFunc(func(context.Context, string, []json.RawMessage) (json.RawMessage, error) { return nil, nil })
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 60 {
				n := next.Add(1)
				call := &script.Call{Function: "beforePOST", Host: host}
				call.Request.Body = fmt.Appendf(nil, `{"n":%d}`, n)
				res := e.Run(t.Context(), programs[n%3], call)
				if got := string(res.Answer.Field("n")); res.Err != nil || got != fmt.Sprint(n) {
					t.Errorf("got %s, want %d (%v)", got, n, res.Err)
				}
			}
		})
	}
	wg.Wait()
}

func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	p := compile(t, `function beforePOST() { for (let i = 0; i < 1e4; i++) log.info('x'.repeat(i)); }`)
	res := engine(t).Run(t.Context(), p, &script.Call{Function: "beforePOST"})
	size := 0
	for _, l := range res.Log {
		size += len(l.Text)
	}
	if res.Err != nil || size > 200<<10 || len(res.Log) > 1001 {
		t.Errorf("%d lines, %d bytes, %v", len(res.Log), size, res.Err)
	}
}

func TestCompileError(t *testing.T) {
	t.Parallel()
	_, err := script.Compile(script.Files{"a.js": "let x = ;"}, "a.js")
	ce, ok := errors.AsType[*script.CompileError](err)
	if !ok || len(ce.Problems) != 1 || ce.Problems[0].File != "a.js" || ce.Problems[0].Line != 1 || ce.Problems[0].Col != 9 {
		t.Errorf("got %#v", err)
	}
	if _, err := script.Compile(script.Files{}, "gone.js"); err == nil || err.Error() != "gone.js: no such file" {
		t.Errorf("got %v", err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"", "function f(){}", "}); (function () {", "let {a, ...b} = c; for (x of y) z++", "class A { static { this.x = 1 } #p = 2 }",
		"label: for (;;) break label", "export default async function* () {}", "const f = async (a, {b = 1}, ...c) => { await a }", "`${a}`\nb?.c ?? d"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, source string, ts bool) {
		if len(source) > 200 || strings.Contains(source, "repeat") || strings.Contains(source, "Array") {
			t.Skip("may need much memory")
		}
		name := "main.js"
		if ts {
			name = "main.ts"
		}
		_, err := script.Compile(script.Files{name: source}, name)
		if _, ok := errors.AsType[*script.CompileError](err); err != nil && !ok {
			t.Errorf("got %T", err)
		}
		if _, err := script.CompileExpr(source, "gaff.yaml", 3); err != nil {
			if _, ok := errors.AsType[*script.CompileError](err); !ok {
				t.Errorf("got %T", err)
			}
		}
	})
}
