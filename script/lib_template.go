package script

import (
	"errors"
	"fmt"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// Handlebars comes as the two files that its package has for browsers: the runtime alone renders templates that are
// compiled, the whole one compiles too. A run gets an environment of its own, evaluated for it; the compiler that
// template() uses belongs to the runtime, as no script can reach it. Compiled templates are kept with the program.

const (
	handlebarsWhole   = "lib/handlebars/handlebars.js"
	handlebarsRuntime = "lib/handlebars/handlebars.runtime.js"
)

// The bounds of what a program keeps of compiled templates and helpers.
const (
	maxCompiled     = 256
	maxCompiledText = 64 << 10
)

// compiledTexts are programs that were made of texts.
type compiledTexts struct {
	mu   sync.Mutex
	done map[string]*goja.Program
}

func (c *compiledTexts) get(key string) *goja.Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done[key]
}

func (c *compiledTexts) put(key string, p *goja.Program) {
	if len(key) > maxCompiledText {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil || len(c.done) >= maxCompiled {
		c.done = map[string]*goja.Program{}
	}
	c.done[key] = p
}

func (m *machine) templateNatives() map[string]any {
	return map[string]any{
		"handlebars": m.nativeHandlebars, "template": m.nativeTemplate, "evaluate": m.nativeEvaluate, "file": m.nativeFile,
	}
}

// handlebars is what require('handlebars') gives.
func (m *machine) handlebars() goja.Value {
	environment, _ := goja.AssertFunction(m.use("template").Get("environment"))
	env, err := environment(goja.Undefined(), m.yes)
	if err != nil {
		panic(rethrow(err))
	}
	return env
}

// nativeHandlebars(make, whole) gives the environment of the run, or undefined if it has none and none is to be made.
func (m *machine) nativeHandlebars(call goja.FunctionCall) goja.Value {
	if call.Argument(0).ToBoolean() {
		path := handlebarsRuntime
		if call.Argument(1).ToBoolean() {
			path = handlebarsWhole
		}
		m.run.templates = m.evaluateHandlebars(path)
	}
	if m.run.templates == nil {
		return goja.Undefined()
	}
	return m.run.templates
}

func (m *machine) evaluateHandlebars(path string) *goja.Object {
	module := m.object(map[string]any{"exports": m.js.NewObject()})
	p := programs.get(path, "(function (exports, module) {", "\nreturn module.exports.default || module.exports; })")
	return m.evaluateLibrary(p, module.Get("exports"), module)
}

// nativeTemplate(text) gives the compiled form of a template.
func (m *machine) nativeTemplate(call goja.FunctionCall) goja.Value {
	text := call.Argument(0).String()
	key := "template " + text
	p := m.run.prog.texts.get(key)
	if p == nil {
		if m.libs.compile == nil {
			m.libs.compile, _ = goja.AssertFunction(m.evaluateHandlebars(handlebarsWhole).Get("precompile"))
		}
		source, err := m.libs.compile(goja.Undefined(), m.js.ToValue(text))
		if err != nil {
			panic(m.compilerError(err))
		}
		p = m.compileText(libraryPrefix+"template", source.String())
		m.keepText(key, p)
	}
	return m.runProgram(p)
}

// compilerError is what went wrong in the compiler of the runtime, without its own error, whose prototype other runs share.
func (m *machine) compilerError(err error) any {
	ex, ok := errors.AsType[*goja.Exception](err)
	if !ok {
		return rethrow(err)
	}
	o, ok := ex.Value().(*goja.Object)
	if !ok {
		return ex.Value()
	}
	return m.newError(o.Get("message").String())
}

// nativeEvaluate(text, name) gives the value of a JavaScript expression of the settings.
func (m *machine) nativeEvaluate(call goja.FunctionCall) goja.Value {
	m.offerRest()
	text, name := call.Argument(0).String(), call.Argument(1).String()
	key := "value " + text
	p := m.run.prog.texts.get(key)
	if p == nil {
		p = m.compileText(name, text)
		m.keepText(key, p)
	}
	return m.runProgram(p)
}

// offerRest makes the globals that the program does not mention, because code from elsewhere comes in.
func (m *machine) offerRest() {
	if mentions := m.run.prog.mentions; !m.frozen {
		m.offer(func(g *global) bool { return !mentions(g) })
	}
}

// keepText keeps what a text was compiled to, unless the script could have changed what compiled it.
func (m *machine) keepText(key string, p *goja.Program) {
	if m.frozen {
		m.run.prog.texts.put(key, p)
	}
}

func (m *machine) compileText(name, expression string) *goja.Program {
	tree, err := goja.Parse(name, "("+expression+"\n)", parser.WithDisableSourceMaps)
	if err != nil {
		panic(m.newError(fmt.Sprintf("%s: %v", name, err)))
	}
	p, err := goja.CompileAST(tree, false)
	if err != nil {
		panic(m.newError(fmt.Sprintf("%s: %v", name, err)))
	}
	return p
}

func (m *machine) runProgram(p *goja.Program) goja.Value {
	v, err := m.js.RunProgram(p)
	if err != nil {
		panic(rethrow(err))
	}
	return v
}

// nativeFile(path) gives what a file of the release exports; the path is one from the project's folder.
func (m *machine) nativeFile(call goja.FunctionCall) goja.Value {
	m.offerRest()
	target, err := m.run.prog.module(&module{path: "gaff.yaml"}, call.Argument(0).String())
	if err != nil {
		panic(m.newError(err.Error()))
	}
	return m.run.require(target)
}
