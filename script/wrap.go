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
	start := len(names)
	for name := range m.scan.assigned {
		if !slices.Contains(moduleNames, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names[start:])
	return names
}

// wrap puts a function around the file's syntax tree; positions stay the author's. The function returns result.
func (m *module) wrap(result ast.Expression) *ast.Program {
	body := m.tree.Body
	if result != nil {
		body = append(slices.Clip(slices.Clone(body)), &ast.ReturnStatement{Return: 1, Argument: result})
	}
	params := &ast.ParameterList{Opening: 1, Closing: 1}
	for _, name := range m.params {
		params.List = append(params.List, &ast.Binding{Target: identifier(name)})
	}
	function := &ast.FunctionLiteral{
		Function:        1,
		ParameterList:   params,
		Body:            &ast.BlockStatement{LeftBrace: 1, List: body, RightBrace: file.Idx(len(m.tree.File.Source()))},
		DeclarationList: m.tree.DeclarationList,
	}
	return &ast.Program{
		Body: []ast.Statement{&ast.ExpressionStatement{Expression: function}},
		File: m.tree.File,
	}
}

func identifier(name string) *ast.Identifier {
	return &ast.Identifier{Name: unistring.NewFromString(name), Idx: 1}
}

// binds reports whether the file has a variable of the name at file scope, or makes a global of it.
func (m *module) binds(name string) bool {
	return slices.Contains(m.scan.declared, name) || m.scan.assigned[name]
}

// entry compiles the main file to a function that evaluates it and returns the named variable. It is compiled when a
// function is first called and kept.
func (p *Program) entry(function string) (*goja.Program, error) {
	if !p.main.binds(function) {
		return p.main.compiled, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.entries[function]; e != nil {
		return e, nil
	}
	e, err := goja.CompileAST(p.main.wrap(identifier(function)), false)
	if err == nil {
		p.entries[function] = e
	}
	return e, err
}
