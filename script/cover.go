package script

import (
	"path"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
	"github.com/go-sourcemap/sourcemap"
)

// ranName is the array in which statements note that they run; no script can write the name.
const ranName = "#ran"

// counting puts in front of each statement of a file one that notes that it runs.
type counting struct {
	m    *module
	smap *sourcemap.Consumer
	seen map[any]bool
	by   map[file.Position]int // the number of each statement
}

// count prepares the file's syntax tree to count, unless nobody asks for it. Positions are as they are before the
// source map applies.
func (m *module) count(c *Coverage, smap *sourcemap.Consumer) {
	if c == nil {
		return
	}
	n := &counting{m: m, smap: smap, seen: map[any]bool{}, by: map[file.Position]int{}}
	for _, st := range m.tree.Body {
		n.visit(st)
	}
	m.tree.Body = n.list(m.tree.Body)
	m.statements = c.file(m.path, len(n.by))
}

// visit instruments what is below a node before the node itself, so that nothing is met twice.
func (c *counting) visit(n any) {
	if c.seen[n] {
		return
	}
	c.seen[n] = true
	children(n, c.visit)
	switch n := n.(type) {
	case *ast.BlockStatement:
		n.List = c.list(n.List)
	case *ast.CaseStatement:
		n.Consequent = c.list(n.Consequent)
	case *ast.IfStatement:
		n.Consequent, n.Alternate = c.single(n.Consequent), c.single(n.Alternate)
	case *ast.ForStatement:
		n.Body = c.single(n.Body)
	case *ast.ForInStatement:
		n.Body = c.single(n.Body)
	case *ast.ForOfStatement:
		n.Body = c.single(n.Body)
	case *ast.WhileStatement:
		n.Body = c.single(n.Body)
	case *ast.DoWhileStatement:
		n.Body = c.single(n.Body)
	case *ast.WithStatement:
		n.Body = c.single(n.Body)
	case *ast.ArrowFunctionLiteral:
		if e, ok := n.Body.(*ast.ExpressionBody); ok {
			n.Body = c.block(&ast.ReturnStatement{Return: e.Expression.Idx0(), Argument: e.Expression})
		}
	}
}

func (c *counting) list(body []ast.Statement) []ast.Statement {
	out := make([]ast.Statement, 0, 2*len(body))
	directives := true
	for _, st := range body {
		directives = directives && isDirective(st)
		if !directives && counts(st) {
			out = c.note(out, startOf(st))
		}
		out = append(out, st)
	}
	return out
}

// single is the body of an if or a loop that has no braces.
func (c *counting) single(st ast.Statement) ast.Statement {
	if st == nil || !counts(st) {
		return st
	}
	return c.block(st)
}

func (c *counting) block(st ast.Statement) *ast.BlockStatement {
	at := startOf(st)
	return &ast.BlockStatement{LeftBrace: at, List: append(c.note(nil, at), st), RightBrace: st.Idx1()}
}

// note appends #ran[number] = 1 if the author has written a statement at the position.
func (c *counting) note(list []ast.Statement, at file.Idx) []ast.Statement {
	pos, ok := c.position(at)
	if !ok {
		return list
	}
	number, known := c.by[pos]
	if !known {
		number = len(c.by)
		c.by[pos] = number
	}
	return append(list, &ast.ExpressionStatement{Expression: &ast.AssignExpression{
		Operator: token.ASSIGN,
		Left: &ast.BracketExpression{
			Left: &ast.Identifier{Name: ranName, Idx: at}, LeftBracket: at, RightBracket: at,
			Member: &ast.NumberLiteral{Idx: at, Value: int64(number)},
		},
		Right: &ast.NumberLiteral{Idx: at, Value: int64(1)},
	}})
}

// position returns the author's position. Statements that transpiling has added have none: no mapping begins there, or
// at the spaces and brackets in front of them.
func (c *counting) position(at file.Idx) (file.Position, bool) {
	f := c.m.tree.File
	pos := f.Position(int(at) - 1)
	if c.smap == nil {
		return pos, true
	}
	before := f.Source()[:at-1]
	spaces := len(before) - len(strings.TrimRight(before, " \t("))
	source, _, line, col, ok := c.smap.Source(pos.Line, pos.Column)
	if c.m.parts != nil && source != relative(path.Dir(c.m.path), c.m.path) {
		return file.Position{}, false // of a file that is included: statements are counted under one name
	}
	_, _, lineBefore, colBefore, _ := c.smap.Source(pos.Line, pos.Column-spaces-1)
	return file.Position{Line: line, Column: col}, ok && (line != lineBefore || col != colBefore)
}

func isDirective(st ast.Statement) bool {
	e, ok := st.(*ast.ExpressionStatement)
	if !ok {
		return false
	}
	_, ok = e.Expression.(*ast.StringLiteral)
	return ok
}

// startOf returns where a statement begins. The parser does not say where an if does.
func startOf(st ast.Statement) file.Idx {
	if s, ok := st.(*ast.IfStatement); ok {
		return s.Test.Idx0()
	}
	return st.Idx0()
}

// counts reports whether a statement does something. Declarations of functions and classes do not, nor do variables
// without a value.
func counts(st ast.Statement) bool {
	switch st := st.(type) {
	case *ast.BlockStatement, *ast.EmptyStatement, *ast.FunctionDeclaration, *ast.ClassDeclaration:
		return false
	case *ast.VariableStatement:
		return initializes(st.List)
	case *ast.LexicalDeclaration:
		return initializes(st.List)
	}
	return true
}

func initializes(list []*ast.Binding) bool {
	for _, b := range list {
		if b.Initializer != nil {
			return true
		}
	}
	return false
}

// ran returns the array of the module for one run.
func (r *run) ran(m *module) goja.Value {
	return r.m.js.NewDynamicArray(&noted{r, m.statements})
}

// withRan appends the array to what the function around a file takes, if the file is counted.
func (r *run) withRan(args []goja.Value, m *module) []goja.Value {
	if m.statements == nil {
		return args
	}
	return append(args, r.ran(m))
}

// noted is the array in which statements note that they run.
type noted struct {
	r          *run
	statements statements
}

// Set is called by goja.
func (n *noted) Set(i int, _ goja.Value) bool {
	if !n.r.compiling {
		n.statements[i].Store(true)
	}
	return true
}

// Get is called by goja, as far as it must be there.
func (n *noted) Get(int) goja.Value { return goja.Undefined() }

// Len is called by goja.
func (n *noted) Len() int { return len(n.statements) }

// SetLen is called by goja, as far as it must be there.
func (n *noted) SetLen(int) bool { return false }
