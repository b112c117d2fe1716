package script

import (
	"fmt"

	"github.com/dop251/goja"
)

// enter evaluates the main file and calls the function, in one call into the runtime: each costs.
func (r *run) enter() (goja.Value, error) {
	entry, err := r.prog.entry(r.call.Function)
	if err != nil {
		return nil, err
	}
	call, err := r.m.wrapper(entry)
	if err != nil {
		return nil, err
	}
	m := r.prog.main
	args := r.m.args[:0]
	if len(m.params) > 0 {
		r.module = r.newModule(m)
		args = r.fill(args, m, r.module)
	}
	args = r.withRan(args, m)
	args = append(args, r.m.enter, r.m.newReq(), r.m.js.CreateObject(r.m.resProto))
	r.m.args = args
	return call(goja.Undefined(), args...)
}

// newEnter makes the function that is given the function to call, or undefined, and returns what is called.
func (m *machine) newEnter() goja.Value {
	nothing := m.function("", func(goja.FunctionCall) goja.Value { return goja.Undefined() })
	return m.function("", func(call goja.FunctionCall) goja.Value {
		r := m.run
		if r.function = r.pick(r.call.Function, call.Argument(0), r.module); r.function == nil {
			r.failure = r.undefined()
			return nothing
		}
		return r.function
	})
}

func (r *run) undefined() *Error {
	path := r.prog.main.path
	return &Error{Kind: Threw, File: path, Message: fmt.Sprintf("%s does not define %s", path, r.call.Function)}
}

// maxWrappers bounds how many programs a pooled runtime keeps ready.
const maxWrappers = 512

// wrapper returns the function that a program evaluates to. It is kept with the runtime: scripts cannot get hold of it,
// as those that could (by arguments.callee at file scope) have runtimes of their own.
func (m *machine) wrapper(p *goja.Program) (goja.Callable, error) {
	if call := m.wrappers[p]; call != nil {
		return call, nil
	}
	v, err := m.js.RunProgram(p)
	if err != nil {
		return nil, err
	}
	call, _ := goja.AssertFunction(v)
	if m.wrappers == nil || len(m.wrappers) >= maxWrappers {
		m.wrappers = map[*goja.Program]goja.Callable{}
	}
	m.wrappers[p] = call
	return call, nil
}

// enterScript runs the main file as a script of its own runtime: what it binds are true globals.
func (r *run) enterScript(name string) (*goja.Object, error) {
	module, err := r.runScript()
	if err != nil {
		return nil, err
	}
	var v goja.Value
	if r.prog.main.binds(name) {
		if v, err = r.m.js.RunString(name); err != nil {
			return nil, err
		}
	} else {
		v = r.m.js.GlobalObject().Get(name)
	}
	return r.pick(name, v, module), nil
}

// defineModule makes what a file may use of the module system, and what counts its statements, globals.
func (r *run) defineModule() (*goja.Object, error) {
	module := r.newModule(r.prog.main)
	globals := map[string]any{"require": r.requireFor(r.prog.main)}
	if !r.prog.main.bare {
		globals["module"], globals["exports"] = module, module.Get("exports")
	}
	for _, name := range r.prog.main.interops {
		globals[name] = r.m.interop(name)
	}
	r.m.define(r.m.js.GlobalObject(), globals)
	if r.prog.main.statements == nil {
		return module, nil
	}
	return module, r.m.js.GlobalObject().DefineDataProperty(
		ranName, r.ran(r.prog.main), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
}

func (r *run) runScript() (*goja.Object, error) {
	module, err := r.defineModule()
	if err != nil {
		return nil, err
	}
	whole, err := r.prog.script()
	if err != nil {
		return nil, err
	}
	_, err = r.m.js.RunProgram(whole)
	return module, err
}

// callScript evaluates the main file as a script and calls its function.
func (r *run) callScript() (goja.Value, error) {
	f, err := r.enterScript(r.call.Function)
	if err != nil {
		return nil, err
	}
	if f == nil {
		r.failure = r.undefined()
		return nil, nil
	}
	r.function = f
	call, _ := goja.AssertFunction(f)
	return call(goja.Undefined(), r.m.newReq(), r.m.js.CreateObject(r.m.resProto))
}

// pick returns the named function: the variable at file scope, else the export, else that of the default export.
func (r *run) pick(name string, v goja.Value, module *goja.Object) (f *goja.Object) {
	if f = functionIn(v); f != nil || module == nil {
		return f
	}
	r.guard(func() {
		exports, ok := module.Get("exports").(*goja.Object)
		if !ok {
			return
		}
		if f = functionIn(exports.Get(name)); f != nil {
			return
		}
		if d, ok := exports.Get("default").(*goja.Object); ok {
			f = functionIn(d.Get(name))
		}
	})
	return f
}

func functionIn(v goja.Value) *goja.Object {
	if _, ok := goja.AssertFunction(v); !ok {
		return nil
	}
	return v.(*goja.Object)
}

// evaluate runs the function around a file and returns what it returns, and the file's module object if it uses one.
func (r *run) evaluate(m *module, program *goja.Program) (goja.Value, *goja.Object, error) {
	call, err := r.m.wrapper(program)
	if err != nil {
		return nil, nil, err
	}
	if len(m.params) == 0 {
		v, err := call(goja.Undefined(), r.withRan(nil, m)...)
		return v, nil, err
	}
	module := r.newModule(m)
	v, err := call(module.Get("exports"), r.withRan(r.fill(nil, m, module), m)...)
	return v, module, err
}

// fill appends what the function around a file takes.
func (r *run) fill(args []goja.Value, m *module, module *goja.Object) []goja.Value {
	for _, name := range m.params {
		var v goja.Value
		switch name {
		case "module":
			v = module
		case "exports":
			v = module.Get("exports")
		case "require":
			v = r.requireFor(m)
		case dataName:
			v = r.data()
		case "__export", "__toESM", "__toCommonJS":
			v = r.m.interop(name)
		default:
			if v = r.m.js.GlobalObject().Get(name); v == nil {
				v = goja.Undefined()
			}
		}
		args = append(args, v)
	}
	return args
}

func (r *run) newModule(m *module) *goja.Object {
	module := r.m.object(map[string]any{"exports": r.m.js.NewObject()})
	if r.modules == nil {
		r.modules = map[string]*goja.Object{}
	}
	r.modules[m.path] = module
	return module
}

// requireFor makes the require of one file.
func (r *run) requireFor(m *module) goja.Value {
	return r.m.function("require", func(call goja.FunctionCall) goja.Value {
		name := call.Argument(0).String()
		if isBuiltinModule(name) {
			return r.m.builtinModule(name)
		}
		target, err := r.prog.module(m, name)
		if err != nil {
			panic(r.m.newError(err.Error()))
		}
		return r.require(target)
	})
}

func (r *run) require(m *module) goja.Value {
	if loaded := r.modules[m.path]; loaded != nil {
		return loaded.Get("exports")
	}
	if m.json || m.text {
		module := r.newModule(m)
		v := r.m.js.ToValue(m.source)
		if m.json {
			v = r.m.parse(m.source)
		}
		if err := module.Set("exports", v); err != nil {
			panic(rethrow(err))
		}
		return v
	}
	_, module, err := r.evaluate(m, m.compiled)
	if err != nil {
		delete(r.modules, m.path)
		panic(rethrow(err))
	}
	if module == nil {
		module = r.newModule(m)
	}
	return module.Get("exports")
}

func (m *machine) newError(message string) goja.Value {
	o, err := m.js.New(m.error, m.js.ToValue(message))
	if err != nil {
		panic(rethrow(err))
	}
	return o
}

// module returns what a require in a file means. A name that is made at run time may lead to a file that was not seen
// when the program was compiled; it is compiled then.
func (p *Program) module(from *module, name string) (*module, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	path, ok := from.requires[name]
	if !ok {
		var err error
		if path, err = p.files.resolve(from.path, name); err != nil {
			return nil, err
		}
	}
	if p.modules[path] == nil {
		if err := compileError(p.load(path)); err != nil {
			delete(p.modules, path)
			return nil, fmt.Errorf("cannot require %q: %w", name, err)
		}
	}
	return p.modules[path], nil
}

// script compiles the main file as it is, without a function around it.
func (p *Program) script() (*goja.Program, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.entries[""]; s != nil {
		return s, nil
	}
	s, err := goja.CompileAST(p.main.tree, false)
	if err == nil {
		p.entries[""] = s
	}
	return s, err
}
