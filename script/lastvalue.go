package script

import (
	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// dataName is what a file whose last value is its answer sees of its event.
const dataName = "data"

// needsData reports whether the file takes data from outside: it uses the name, and does not bind it otherwise than by
// var, which leaves what is there.
func (m *module) needsData() bool {
	if m.scan.free[dataName] {
		return true
	}
	top := map[string]bool{}
	addVars(top, m.tree.DeclarationList)
	lexical := map[string]bool{}
	addLexical(lexical, m.tree.Body)
	return top[dataName] && !lexical[dataName]
}

// lastValue compiles the main file to a function that evaluates it and returns its last value:
//
//	function (exports, …, data, #value) { …the file…; return #value }
//
// or, for a runtime of its own, to a script that leaves it in the global #value. It is compiled when it is first run.
func (p *Program) lastValue() (*goja.Program, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := valueName
	if p.fresh {
		key = "script " + valueName
	}
	if e := p.entries[key]; e != nil {
		return e, nil
	}
	m := p.main
	tree := &ast.Program{Body: m.completion(), DeclarationList: m.tree.DeclarationList, File: m.tree.File}
	if !p.fresh {
		tree = m.wrapBody(tree.Body, m.identifier(valueName), m.lastParams()...)
	}
	e, err := goja.CompileAST(tree, false)
	if err == nil {
		p.entries[key] = e
	}
	return e, err
}

// lastParams are what the function around the file takes besides.
func (m *module) lastParams() []string {
	if m.needsData() && !m.scan.assigned[dataName] {
		return []string{dataName, valueName}
	}
	return []string{valueName}
}

// data is what the undeclared global data of a file is to begin with.
func (r *run) data() goja.Value {
	if r.call.Function == "" && !r.compiling {
		return r.m.newData()
	}
	return goja.Undefined()
}

// value evaluates the main file and returns its last value.
func (r *run) value() (goja.Value, error) {
	program, err := r.prog.lastValue()
	if err != nil {
		return nil, err
	}
	m := r.prog.main
	if r.prog.fresh {
		return r.scriptValue(program)
	}
	call, err := r.m.wrapper(program)
	if err != nil {
		return nil, err
	}
	args := r.m.args[:0]
	if len(m.params) > 0 {
		args = r.fill(args, m, r.newModule(m))
	}
	args = r.withRan(args, m)
	if len(m.lastParams()) > 1 {
		args = append(args, r.m.newData())
	}
	r.m.args = args
	return call(goja.Undefined(), args...)
}

// scriptValue runs the main file as a script of its own runtime.
func (r *run) scriptValue(program *goja.Program) (goja.Value, error) {
	global := r.m.js.GlobalObject()
	if _, err := r.defineModule(); err != nil {
		return nil, err
	}
	if err := global.DefineDataProperty(valueName, goja.Undefined(), goja.FLAG_TRUE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
		return nil, err
	}
	r.m.define(global, map[string]any{dataName: r.m.newData()})
	if _, err := r.m.js.RunProgram(program); err != nil {
		return nil, err
	}
	return global.Get(valueName), nil
}
