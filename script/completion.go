package script

import (
	"slices"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/token"
)

// Names that no script can write, for the variable that holds the value of the file so far, and for what it holds while
// a finally runs.
const (
	valueName = "#value"
	heldName  = "#held"
)

// valued reports whether the file has statements with a value: then it has a last one.
func (m *module) valued() bool {
	return m.tree != nil && slices.ContainsFunc(m.tree.Body, hasValue)
}

func hasValue(st ast.Statement) bool {
	switch st := st.(type) {
	case *ast.ExpressionStatement:
		return !isDirective(st) && !isNote(st)
	case *ast.BlockStatement:
		return slices.ContainsFunc(st.List, hasValue)
	case *ast.LabelledStatement:
		return hasValue(st.Statement)
	}
	return settles(st)
}

// settles reports whether a statement has a value in any case, so that those before it do not matter.
func settles(st ast.Statement) bool {
	switch st := st.(type) {
	case *ast.ExpressionStatement:
		return !isDirective(st) && !isNote(st)
	case *ast.IfStatement, *ast.ForStatement, *ast.ForInStatement, *ast.ForOfStatement, *ast.WhileStatement,
		*ast.DoWhileStatement, *ast.SwitchStatement, *ast.TryStatement, *ast.WithStatement, *ast.ThrowStatement:
		return true
	}
	return false
}

// isNote reports whether a statement is one with which a file that is counted notes what runs.
func isNote(st *ast.ExpressionStatement) bool {
	a, ok := st.Expression.(*ast.AssignExpression)
	if !ok {
		return false
	}
	b, ok := a.Left.(*ast.BracketExpression)
	if !ok {
		return false
	}
	id, ok := b.Left.(*ast.Identifier)
	return ok && id.Name == ranName
}

// completion is the file's body with the value of each statement that may be the last kept in the variable #value, as
// ECMAScript says what the completion value of a statement is. The file's own tree is left as it is.
func (m *module) completion() []ast.Statement {
	body := m.tree.Body
	from := 0
	for from < len(body) && isDirective(body[from]) {
		from++ // as a value it would say nothing any more
	}
	for i, st := range body {
		if settles(st) {
			from = i
		}
	}
	c := completer{m}
	return append(slices.Clip(slices.Clone(body[:from])), c.list(body[from:])...)
}

// completer rewrites statements. What it does not name has no value of its own and is left alone.
type completer struct{ m *module }

func (c completer) list(body []ast.Statement) []ast.Statement {
	out := make([]ast.Statement, 0, 2*len(body))
	for _, st := range body {
		out = append(out, c.statement(st)...)
	}
	return out
}

func (c completer) statement(st ast.Statement) []ast.Statement {
	switch st := st.(type) {
	case *ast.ExpressionStatement:
		if isNote(st) {
			return []ast.Statement{st}
		}
		return []ast.Statement{c.keep(st.Expression)}
	case *ast.BlockStatement:
		return []ast.Statement{c.block(st)}
	case *ast.LabelledStatement:
		return c.labelled(st)
	case *ast.IfStatement:
		with := *st
		with.Consequent, with.Alternate = c.single(st.Consequent), c.single(st.Alternate)
		return c.reset(&with)
	case *ast.WithStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	case *ast.SwitchStatement:
		return c.reset(c.switched(st))
	case *ast.TryStatement:
		return c.reset(c.try(st))
	}
	return c.loop(st)
}

func (c completer) loop(st ast.Statement) []ast.Statement {
	switch st := st.(type) {
	case *ast.ForStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	case *ast.ForInStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	case *ast.ForOfStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	case *ast.WhileStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	case *ast.DoWhileStatement:
		with := *st
		with.Body = c.single(st.Body)
		return c.reset(&with)
	}
	return []ast.Statement{st}
}

// keep makes the value of an expression that of the file so far.
func (c completer) keep(value ast.Expression) ast.Statement { return c.assign(valueName, value) }

func (c completer) assign(name string, value ast.Expression) ast.Statement {
	return &ast.ExpressionStatement{Expression: &ast.AssignExpression{
		Operator: token.ASSIGN, Left: c.m.identifier(name), Right: value,
	}}
}

func (c completer) undefined() ast.Expression {
	at := c.m.end()
	return &ast.UnaryExpression{Operator: token.VOID, Idx: at, Operand: &ast.NumberLiteral{Idx: at, Value: int64(0)}}
}

// reset puts in front of a statement that its value is undefined unless something in it has another.
func (c completer) reset(st ast.Statement) []ast.Statement {
	return []ast.Statement{c.keep(c.undefined()), st}
}

// single is the body of an if or a loop, which is one statement.
func (c completer) single(st ast.Statement) ast.Statement {
	if st == nil {
		return nil
	}
	list := c.statement(st)
	if len(list) == 1 {
		return list[0]
	}
	return c.braces(list)
}

func (c completer) braces(list []ast.Statement) *ast.BlockStatement {
	return &ast.BlockStatement{LeftBrace: c.m.end(), List: list, RightBrace: c.m.end()}
}

func (c completer) block(st *ast.BlockStatement) *ast.BlockStatement {
	with := *st
	with.List = c.list(st.List)
	return &with
}

// labelled keeps the label at its loop: what is put in front stands before the label.
func (c completer) labelled(st *ast.LabelledStatement) []ast.Statement {
	list := c.statement(st.Statement)
	with := *st
	with.Statement = list[len(list)-1]
	return append(slices.Clone(list[:len(list)-1]), &with)
}

func (c completer) switched(st *ast.SwitchStatement) *ast.SwitchStatement {
	with := *st
	with.Body = make([]*ast.CaseStatement, len(st.Body))
	for i, s := range st.Body {
		one := *s
		one.Consequent = c.list(s.Consequent)
		with.Body[i] = &one
	}
	return &with
}

// try: what a try has said does not count once it throws, and what a finally says counts only if it leaves by itself.
func (c completer) try(st *ast.TryStatement) *ast.TryStatement {
	with := *st
	with.Body = c.block(st.Body)
	if st.Catch != nil {
		catch := *st.Catch
		body := *catch.Body
		body.List = c.reset(c.block(st.Catch.Body))
		catch.Body = &body
		with.Catch = &catch
	}
	if st.Finally != nil {
		at := c.m.end()
		held := &ast.LexicalDeclaration{Idx: at, Token: token.CONST, List: []*ast.Binding{{
			Target: c.m.identifier(heldName), Initializer: c.m.identifier(valueName),
		}}}
		finally := *st.Finally
		finally.List = []ast.Statement{
			held, c.keep(c.undefined()), c.block(st.Finally), c.keep(c.m.identifier(heldName)),
		}
		with.Finally = &finally
	}
	return &with
}
