package script

import (
	"slices"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/unistring"
)

// moduleNames are what a file may use of the module system.
var moduleNames = []string{"exports", "require", "module"}

// parameters lists what the function around the file takes: the module system if the file uses it, and the globals
// that the file makes by assigning to them, which thereby live as long as the run and no longer.
func (m *module) parameters() []string {
	var names []string
	for _, name := range moduleNames {
		if m.scan.free[name] {
			names = append(names, name)
		}
	}
	names = append(names, m.interops...)
	start := len(names)
	for name := range m.scan.assigned {
		if !slices.Contains(moduleNames, name) && !slices.Contains(m.interops, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[start:])
	return names
}

// Names that no script can write, for what the function around a file takes besides.
const (
	enterName = "#enter"
	reqName   = "#req"
	resName   = "#res"
)

// wrap puts a function around the file's syntax tree; positions stay the author's. The function takes the extra
// parameters after those of the file, and returns result.
func (m *module) wrap(result ast.Expression, extra ...string) *ast.Program {
	return m.wrapBody(m.tree.Body, result, extra...)
}

func (m *module) wrapBody(body []ast.Statement, result ast.Expression, extra ...string) *ast.Program {
	if result != nil {
		body = append(slices.Clip(slices.Clone(body)), &ast.ReturnStatement{Return: m.end(), Argument: result})
	}
	params := &ast.ParameterList{Opening: 1, Closing: 1}
	names := slices.Clip(m.params)
	if m.statements != nil {
		names = append(names, ranName)
	}
	for _, name := range append(names, extra...) {
		params.List = append(params.List, &ast.Binding{Target: m.identifier(name)})
	}
	function := &ast.FunctionLiteral{
		Function:        1,
		ParameterList:   params,
		Body:            &ast.BlockStatement{LeftBrace: 1, List: body, RightBrace: m.end()},
		DeclarationList: m.tree.DeclarationList,
	}
	return &ast.Program{
		Body: []ast.Statement{&ast.ExpressionStatement{Expression: function}},
		File: m.tree.File,
	}
}

// end is the position behind the file's text, where what we add to it stands.
func (m *module) end() file.Idx { return file.Idx(len(m.tree.File.Source()) + 1) }

func (m *module) identifier(name string) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString(name), Idx: m.end()}
}

// binds reports whether the file has a variable of the name at file scope, or makes a global of it.
func (m *module) binds(name string) bool {
	return slices.Contains(m.scan.declared, name) || m.scan.assigned[name]
}

// entry compiles the main file to a function that evaluates it and calls the named function, all in one:
//
//	function (exports, …, #enter, #req, #res) { …the file…; return #enter(name)(#req, #res) }
//
// It is compiled when a function is first called and kept.
func (p *Program) entry(function string) (*goja.Program, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[function]; e != nil {
		return e, nil
	}
	m := p.main
	enter := m.call(m.identifier(enterName))
	if m.binds(function) {
		enter.ArgumentList = []ast.Expression{m.identifier(function)}
	}
	call := m.call(enter, m.identifier(reqName), m.identifier(resName))
	e, err := goja.CompileAST(m.wrapBody(p.withoutExports(function), call, enterName, reqName, resName), false)
	if err == nil {
		p.entries[function] = e
	}
	return e, err
}

func (m *module) call(callee ast.Expression, args ...ast.Expression) *ast.CallExpression {
	return &ast.CallExpression{Callee: callee, LeftParenthesis: m.end(), ArgumentList: args, RightParenthesis: m.end()}
}
