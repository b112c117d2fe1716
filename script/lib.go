package script

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// Libraries are what scripts have besides the language and the few functions of machine.globals. Each is a file of lib: a
// function that is given the other libraries and our native functions, and returns what it offers. A runtime evaluates
// a library when a script first touches one of its globals, and keeps it. Of a pooled runtime it is frozen then, like
// the built-in objects, so that a library must keep nothing that belongs to a run.

//go:embed lib/*.js lib/handlebars/*.js
var libraryFiles embed.FS

// libraries are what a runtime has loaded.
type libraries struct {
	loaded  map[string]*goja.Object
	native  *goja.Object // given to every library
	use     goja.Value
	compile goja.Callable // of templates; see template.go
}

// programs compiles what is embedded, each file once, when it is first needed.
var programs = programCache{} //nolint:gochecknoglobals // a program is a constant, which takes a while to make

type programCache struct {
	mu   sync.Mutex
	done map[string]*goja.Program
}

// get returns the program of an embedded file, with text put around it.
func (c *programCache) get(path, before, after string) *goja.Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.done[path]; p != nil {
		return p
	}
	source, err := libraryFiles.ReadFile(path)
	if err != nil {
		panic(err) // it is embedded
	}
	tree, err := goja.Parse(libraryPrefix+path, before+string(source)+after, parser.WithDisableSourceMaps)
	if err != nil {
		panic(err)
	}
	p, err := goja.CompileAST(tree, false)
	if err != nil {
		panic(err)
	}
	if c.done == nil {
		c.done = map[string]*goja.Program{}
	}
	c.done[path] = p
	return p
}

// libraryPrefix tells the files of libraries from those of releases in stacks.
const libraryPrefix = "gaff:"

// offer defines globals that libraries have, each as a property that loads its library.
func (m *machine) offer(wanted func(*global) bool) {
	o := m.js.GlobalObject()
	for i := range hostAPI {
		g := &hostAPI[i]
		if g.lib == "" || !wanted(g) {
			continue
		}
		get := m.js.ToValue(func(goja.FunctionCall) goja.Value { return m.global(g) })
		configurable, set := goja.FLAG_FALSE, goja.Value(nil)
		if !m.frozen {
			configurable, set = goja.FLAG_TRUE, m.js.ToValue(func(call goja.FunctionCall) goja.Value {
				m.define(o, map[string]any{g.name: call.Argument(0)})
				return goja.Undefined()
			})
		}
		if err := o.DefineAccessorProperty(g.name, get, set, configurable, goja.FLAG_FALSE); err != nil {
			panic(err)
		}
	}
}

func allGlobals(*global) bool { return true }

// computesNames finds the ways to use a name that does not stand in the text.
var computesNames = regexp.MustCompile(`\b(eval|Function|globalThis)\b`)

// mentioned says which globals of libraries a runtime of the program's own has to offer: making them all costs more than
// a short run. A name that stands nowhere in the text can only be used if the program computes names or files.
func (p *Program) mentioned() func(*global) bool {
	found := map[string]bool{}
	for _, m := range p.modules {
		if m.scan.anyRequire || computesNames.MatchString(m.source) {
			return allGlobals
		}
		for i := range hostAPI {
			if name := hostAPI[i].name; strings.Contains(m.source, name) {
				found[name] = true
			}
		}
	}
	return func(g *global) bool { return found[g.name] }
}

func (m *machine) global(g *global) goja.Value {
	if g.lib == hostLibrary {
		return m.hostLibrary(g)
	}
	return m.use(g.lib).Get(g.name)
}

// hostLibrary makes a global that is nothing but host functions.
func (m *machine) hostLibrary(g *global) goja.Value {
	if loaded := m.libs.loaded[g.name]; loaded != nil {
		return loaded
	}
	var o *goja.Object
	if g.kind == functionShape {
		o = m.hostFunction(g.name, g.host)
	} else {
		o = m.hostObject(g.name)
	}
	m.keepLibrary(g.name, o)
	return o
}

// hostObject makes an object like db, each function of which is one host call.
func (m *machine) hostObject(name string) *goja.Object {
	functions := map[string]any{}
	for _, f := range globalNamed(name).members {
		functions[f.name] = m.hostFunction(name+"."+f.name, f.host)
	}
	return m.object(functions)
}

func (m *machine) hostFunction(label, host string) *goja.Object {
	return m.function(label, func(call goja.FunctionCall) goja.Value { return m.hostCall(label, host, call.Arguments) })
}

// use returns what a library offers.
func (m *machine) use(name string) *goja.Object {
	if loaded := m.libs.loaded[name]; loaded != nil {
		return loaded
	}
	if m.libs.native == nil {
		m.libs.native = m.object(m.natives())
		m.libs.use = m.function("use", func(call goja.FunctionCall) goja.Value { return m.use(call.Argument(0).String()) })
	}
	lib := m.evaluateLibrary(programs.get("lib/"+name+".js", "", ""), m.libs.use, m.libs.native)
	m.keepLibrary(name, lib)
	return lib
}

// evaluateLibrary calls the function that a program evaluates to, and returns the object that it returns.
func (m *machine) evaluateLibrary(p *goja.Program, args ...goja.Value) *goja.Object {
	f, err := m.js.RunProgram(p)
	if err != nil {
		panic(rethrow(err))
	}
	call, _ := goja.AssertFunction(f)
	v, err := call(goja.Undefined(), args...)
	if err != nil {
		panic(rethrow(err))
	}
	return v.(*goja.Object)
}

// keepLibrary freezes what a library offers, if the runtime is pooled, and keeps it.
func (m *machine) keepLibrary(name string, lib *goja.Object) {
	if m.harden != nil {
		if _, err := m.harden(goja.Undefined(), lib); err != nil {
			panic(rethrow(err))
		}
	}
	if m.libs.loaded == nil {
		m.libs.loaded = map[string]*goja.Object{}
	}
	m.libs.loaded[name] = lib
}

// builtinModules are the names that scripts of Node require, by the library that stands in for them.
var builtinModules = map[string]string{
	"async": "async", "buffer": "buffer", "crypto": "crypto", "handlebars": "handlebars", "querystring": "url",
	"request": "request", "url": "url", "util": "util",
}

func isBuiltinModule(name string) bool {
	return builtinModules[strings.TrimPrefix(name, "node:")] != ""
}

// builtinModule returns what require gives for the name of a module of Node.
func (m *machine) builtinModule(name string) goja.Value {
	name = strings.TrimPrefix(name, "node:")
	switch name {
	case "handlebars":
		return m.handlebars()
	case "async":
		return m.use("async").Get("async")
	case "crypto":
		return m.use("crypto").Get("crypto")
	case "request":
		return m.use("request").Get("request")
	case "url", "querystring":
		return m.use("url").Get(name)
	}
	return m.use(builtinModules[name])
}

// unknownModule says what can be required.
func unknownModule(name string) error {
	return fmt.Errorf("cannot require %q: only files of the release can be required, by a path that begins with ./ or ../, "+
		"and async, buffer, crypto, handlebars, querystring, request, url and util", name)
}
