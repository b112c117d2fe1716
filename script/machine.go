package script

import (
	_ "embed"
	"errors"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
	"golang.org/x/text/collate"
)

// maxCalls bounds the depth of calls. Unwinding through native functions is quadratic in it.
const maxCalls = 500

// machine is a JavaScript runtime with our globals. It serves one run at a time; its native functions look at the run
// that is current, so that they need not be made anew.
type machine struct {
	js        *goja.Runtime
	jsonParse goja.Callable
	error     *goja.Object // the Error constructor
	resProto  *goja.Object
	yes, no   goja.Value
	enter     goja.Value // see newEnter
	wrappers  map[*goja.Program]goja.Callable
	frozen    bool
	harden    goja.Callable // of a frozen runtime: see lockdown.js
	libs      libraries
	plain     bool // of the current run's program
	run       *run
	req       lazyObject
	reqSlots  [16]slot
	path      [maxDepth]*goja.Object // room for the encoder of the answer
	args      []goja.Value
	slots     []slot // see room
	jobs      int    // promise jobs that have begun
	interops  map[string]goja.Value
	collators map[string]*collate.Collator
	kept      time.Time // when it was given back, unless it is among those that are kept anyway
	spent     bool      // was interrupted or has panicked: not to be used again
}

//go:embed lockdown.js
var lockdownSource string

var lockdown = goja.MustCompile("lockdown.js", lockdownSource, true) //nolint:gochecknoglobals // a program is a constant

// newMachine makes a runtime. A frozen one may serve many runs: nothing that a script does to its globals lasts.
func newMachine(frozen bool) *machine {
	m := &machine{js: goja.New(), frozen: frozen}
	m.js.SetMaxCallStackSize(maxCalls)
	m.js.SetParserOptions(parser.WithDisableSourceMaps)
	m.yes, m.no = m.js.ToValue(true), m.js.ToValue(false)
	m.jsonParse, _ = goja.AssertFunction(m.js.Get("JSON").ToObject(m.js).Get("parse"))
	m.error = m.js.Get("Error").ToObject(m.js)
	m.guard()
	m.resProto, m.enter = m.newRes(), m.newEnter()
	m.define(m.js.GlobalObject(), m.globals())
	if frozen {
		m.offer(allGlobals)
		m.extend()
	}
	m.js.SetPromiseRejectionTracker(m.trackRejection)
	m.js.SetAsyncContextTracker(jobCounter{m})
	if frozen {
		m.lockDown()
	}
	return m
}

type native = func(goja.FunctionCall) goja.Value

// globals are what scripts have besides the language.
func (m *machine) globals() map[string]any {
	return map[string]any{
		"log":            m.object(m.logFunctions("debug", "info", "warn", "error", "fatal")),
		"console":        m.object(m.consoleFunctions()),
		"db":             m.hostObject("db"),
		"context":        m.newContext(),
		"setTimeout":     m.timer(false),
		"setInterval":    m.timer(true),
		"setImmediate":   m.immediate(),
		"clearTimeout":   m.clearTimer,
		"clearInterval":  m.clearTimer,
		"clearImmediate": m.clearTimer,
		"queueMicrotask": m.microtask(),
	}
}

// begin makes the runtime that of a run.
func (m *machine) begin(r *run) {
	m.run, m.plain = r, r.prog.plain
	if !m.frozen {
		m.offer(r.prog.mentions)
		if r.prog.extended {
			m.extend()
		}
	}
}

// forget drops what belongs to the run that is over.
func (m *machine) forget() {
	m.run, m.req = nil, lazyObject{}
	clear(m.reqSlots[:])
	clear(m.path[:])
	clear(m.args)
	clear(m.slots)
	m.slots = m.slots[:0]
}

func (m *machine) object(properties map[string]any) *goja.Object {
	o := m.js.NewObject()
	m.define(o, properties)
	return o
}

// define sets properties, giving functions the name of their property instead of Go's.
func (m *machine) define(o *goja.Object, properties map[string]any) {
	for name, value := range properties {
		v := m.js.ToValue(value)
		if f, ok := value.(native); ok {
			v = m.function(name, f)
		}
		if err := o.DefineDataProperty(name, v, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
			panic(err) // a new object takes any property
		}
	}
}

func (m *machine) function(name string, f native) *goja.Object {
	o := m.js.ToValue(f).ToObject(m.js)
	if err := o.DefineDataProperty("name", m.js.ToValue(name), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
		panic(err)
	}
	return o
}

// newContext is the global context, whose settings are those of the run.
func (m *machine) newContext() *goja.Object {
	o := m.js.NewObject()
	get := m.function("settings", func(goja.FunctionCall) goja.Value { return m.run.settings() })
	if err := o.DefineAccessorProperty("settings", get, nil, goja.FLAG_TRUE, goja.FLAG_TRUE); err != nil {
		panic(err)
	}
	return o
}

func (m *machine) lockDown() {
	f, err := m.js.RunProgram(lockdown)
	if err != nil {
		panic(err) // our own program
	}
	call, _ := goja.AssertFunction(f)
	harden, err := call(goja.Undefined(), m.resProto, m.enter)
	if err != nil {
		panic(err)
	}
	m.harden, _ = goja.AssertFunction(harden)
}

// throw ends a native function with an error that the script can catch.
func (m *machine) throw(format string, args ...any) {
	panic(m.js.NewTypeError(append([]any{format}, args...)...))
}

// rethrow returns what to panic with so that an error of a call into JavaScript goes on from a native function.
func rethrow(err error) any {
	if ex, ok := errors.AsType[*goja.Exception](err); ok {
		return ex.Value()
	}
	return err
}

// jobCounter counts promise jobs, to tell the tick in which res.end was called from what comes after it.
type jobCounter struct{ m *machine }

// Grab is called by goja.
func (c jobCounter) Grab() any { return nil }

// Resumed is called by goja.
func (c jobCounter) Resumed(any) { c.m.jobs++ }

// Exited is called by goja.
func (c jobCounter) Exited() {}
