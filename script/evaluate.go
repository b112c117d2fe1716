package script

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// compileTime is how long the code at file scope may run when a program is compiled.
const compileTime = time.Second

// evaluate runs the file scope once and notes which functions the file defines.
func (p *Program) evaluate() []Problem {
	m := newMachine(false) // before the clock starts
	ctx, cancel := context.WithTimeout(context.Background(), compileTime)
	defer cancel()
	r := &run{ctx: ctx, prog: p, call: &Call{}, stragglers: &sync.WaitGroup{}, m: m, compiling: true}
	done := make(chan map[string]bool, 1)
	failed := make(chan *Error, 1)
	go func() {
		defer func() {
			if x := recover(); x != nil {
				failed <- &Error{File: p.main.path, Message: fmt.Sprintf("internal error in the sandbox: %s", firstLine(x))}
			}
		}()
		r.m.begin(r)
		if functions := r.define(); r.failure != nil {
			failed <- r.failure
		} else {
			done <- functions
		}
	}()
	select {
	case p.functions = <-done:
		return nil
	case e := <-failed:
		return []Problem{problemOf(e)}
	case <-ctx.Done():
	}
	r.m.js.Interrupt(errDeadline)
	select {
	case e := <-failed:
		return []Problem{problemOf(e)}
	case p.functions = <-done:
		return nil
	case <-time.After(grace):
		return []Problem{{File: p.main.path, Message: late}}
	}
}

const late = "the code at file scope did not end within a second"

func problemOf(e *Error) Problem {
	if e.Kind == TimedOut {
		e.Message = late
	}
	return Problem{e.File, e.Line, e.Col, e.Message}
}

// define evaluates the file and collects the names of its functions.
func (r *run) define() map[string]bool {
	functions := map[string]bool{}
	var module *goja.Object
	var err error
	if r.prog.fresh {
		module, err = r.defineScript(functions)
	} else {
		module, err = r.defineWrapped(functions)
	}
	if err != nil {
		r.fail(err)
		return nil
	}
	r.guard(func() {
		if module == nil {
			return
		}
		exports, _ := module.Get("exports").(*goja.Object)
		collect(exports, functions)
		if exports != nil {
			d, _ := exports.Get("default").(*goja.Object)
			collect(d, functions)
		}
	})
	return functions
}

func collect(o *goja.Object, functions map[string]bool) {
	if o == nil {
		return
	}
	for _, name := range o.Keys() {
		if functionIn(o.Get(name)) != nil {
			functions[name] = true
		}
	}
}

func (r *run) defineWrapped(functions map[string]bool) (*goja.Object, error) {
	m := r.prog.main
	names := append([]string(nil), m.scan.declared...)
	for name := range m.scan.assigned {
		names = append(names, name)
	}
	sort.Strings(names)
	list := &ast.ArrayLiteral{LeftBracket: 1, RightBracket: 1}
	for _, name := range names {
		list.Value = append(list.Value, m.identifier(name))
	}
	program, err := goja.CompileAST(m.wrap(list), false)
	if err != nil {
		return nil, err
	}
	v, module, err := r.evaluate(m, program)
	if err != nil {
		return nil, err
	}
	values := v.ToObject(r.m.js)
	for i, name := range names {
		if functionIn(values.Get(fmt.Sprint(i))) != nil {
			functions[name] = true
		}
	}
	return module, nil
}

func (r *run) defineScript(functions map[string]bool) (*goja.Object, error) {
	builtIn := map[string]bool{}
	global := r.m.js.GlobalObject()
	for _, name := range global.GetOwnPropertyNames() {
		builtIn[name] = true
	}
	module, err := r.runScript()
	if err != nil {
		return nil, err
	}
	for _, name := range global.GetOwnPropertyNames() {
		if !builtIn[name] && functionIn(global.Get(name)) != nil {
			functions[name] = true
		}
	}
	for _, name := range r.prog.main.scan.declared {
		if v, err := r.m.js.RunString(name); err == nil && functionIn(v) != nil {
			functions[name] = true
		}
	}
	return module, nil
}

// Functions returns which of the known names the file defines as functions, in their order.
func (p *Program) Functions(known []string) []string {
	var out []string
	for _, name := range known {
		if p.functions[name] {
			out = append(out, name)
		}
	}
	return out
}
