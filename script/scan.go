package script

import (
	"reflect"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/token"
)

// scan is what the syntax of one file says about how it has to be run.
type scan struct {
	strict   bool
	declared []string        // names bound at file scope
	free     map[string]bool // names that are used and bound nowhere in the file
	assigned map[string]bool // free names that sloppy code assigns: globals in the making
	requires []requireCall
	absent   []*ast.Identifier // uses of names that runtimes lack
	nested   bool              // sloppy code declares functions in blocks
	// anyRequire: something other than require('literal') is done with require.
	anyRequire bool
	// ownRuntime: the file may change something that outlives the run.
	ownRuntime bool
}

type requireCall struct {
	name string
	at   file.Idx
}

// scanner walks a syntax tree with the scopes that enclose each node. Names are resolved exactly; what might change
// globals is over-approximated (see own.go).
type scanner struct {
	out    scan
	scopes []map[string]bool
	strict bool
	this   []thisKind
	built  map[string]bool // functions that are called with new, or have members of their prototype set
	parent []any
}

func scanProgram(p *ast.Program) scan {
	s := &scanner{built: map[string]bool{}}
	s.out.free, s.out.assigned = map[string]bool{}, map[string]bool{}
	s.strict = isStrict(p.Body)
	s.out.strict = s.strict
	top := map[string]bool{}
	addVars(top, p.DeclarationList)
	addLexical(top, p.Body)
	for name := range top {
		s.out.declared = append(s.out.declared, name)
	}
	findConstructors(p, s.built)
	s.push(top)
	s.this = append(s.this, thisGlobal)
	s.walkAll(p.Body)
	return s.out
}

func (s *scanner) push(names map[string]bool) { s.scopes = append(s.scopes, names) }
func (s *scanner) pop()                       { s.scopes = s.scopes[:len(s.scopes)-1] }

func (s *scanner) bound(name string) bool {
	for _, names := range s.scopes {
		if names[name] {
			return true
		}
	}
	return false
}

func (s *scanner) use(name string) {
	if s.bound(name) {
		return
	}
	s.out.free[name] = true
	switch name {
	case "eval", "globalThis", "Function":
		s.out.ownRuntime = true
	case "require":
		s.out.anyRequire = true
	}
}

// assign notes the targets of an assignment.
func (s *scanner) assign(target any) {
	switch t := target.(type) {
	case *ast.Identifier:
		name := t.Name.String()
		if !s.bound(name) && !s.strict {
			s.out.assigned[name] = true
		}
	case *ast.DotExpression, *ast.BracketExpression:
		s.assignMember(t)
	case *ast.ArrayPattern:
		for _, e := range t.Elements {
			s.assign(e)
		}
		s.assign(t.Rest)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				s.assign(&p.Name)
			case *ast.PropertyKeyed:
				s.assign(p.Value)
			}
		}
		s.assign(t.Rest)
	case *ast.AssignExpression: // a pattern's default
		s.assign(t.Left)
	case *ast.Binding:
		s.assign(t.Target)
	case *ast.SpreadElement:
		s.assign(t.Expression)
	}
}

func isStrict(body []ast.Statement) bool {
	for _, st := range body {
		e, ok := st.(*ast.ExpressionStatement)
		if !ok {
			return false
		}
		str, ok := e.Expression.(*ast.StringLiteral)
		if !ok {
			return false
		}
		if str.Value.String() == "use strict" {
			return true
		}
	}
	return false
}

func addVars(names map[string]bool, list []*ast.VariableDeclaration) {
	for _, d := range list {
		for _, b := range d.List {
			addTarget(names, b.Target)
		}
	}
}

func addLexical(names map[string]bool, body []ast.Statement) {
	for _, st := range body {
		switch st := st.(type) {
		case *ast.LexicalDeclaration:
			for _, b := range st.List {
				addTarget(names, b.Target)
			}
		case *ast.FunctionDeclaration:
			names[st.Function.Name.Name.String()] = true
		case *ast.ClassDeclaration:
			names[st.Class.Name.Name.String()] = true
		}
	}
}

// addTarget adds the names that a binding target binds.
func addTarget(names map[string]bool, target any) {
	switch t := target.(type) {
	case *ast.Identifier:
		names[t.Name.String()] = true
	case *ast.Binding:
		addTarget(names, t.Target)
	case *ast.AssignExpression:
		addTarget(names, t.Left)
	case *ast.SpreadElement:
		addTarget(names, t.Expression)
	case *ast.ArrayPattern:
		for _, e := range t.Elements {
			addTarget(names, e)
		}
		addTarget(names, t.Rest)
	case *ast.ObjectPattern:
		for _, p := range t.Properties {
			switch p := p.(type) {
			case *ast.PropertyShort:
				names[p.Name.Name.String()] = true
			case *ast.PropertyKeyed:
				addTarget(names, p.Value)
			}
		}
		addTarget(names, t.Rest)
	}
}

// children calls visit for every node directly below n that is an expression, statement or list of them.
func children(n any, visit func(any)) {
	v := reflect.ValueOf(n)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Interface, reflect.Pointer:
			if !f.IsNil() {
				visitNode(f, visit)
			}
		case reflect.Slice:
			for j := range f.Len() {
				visitNode(f.Index(j), visit)
			}
		case reflect.Struct:
			if f.CanAddr() && f.Type() != reflect.TypeFor[ast.Identifier]() {
				visitNode(f.Addr(), visit)
			}
		}
	}
}

func visitNode(v reflect.Value, visit func(any)) {
	if (v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer) && v.IsNil() || !v.CanInterface() {
		return
	}
	if n, ok := v.Interface().(ast.Node); ok {
		visit(n)
	}
}

func isAssignment(n any) (target ast.Expression, ok bool) {
	switch n := n.(type) {
	case *ast.AssignExpression:
		return n.Left, true
	case *ast.UnaryExpression:
		switch n.Operator {
		case token.INCREMENT, token.DECREMENT, token.DELETE:
			return n.Operand, true
		}
	}
	return nil, false
}
