package script

import (
	"regexp"

	"github.com/dop251/goja/ast"
)

// What makes a program need a runtime of its own, over-approximated: a program that is recognised without need is
// slower, one that is missed meets frozen globals. Nothing leaks either way.

// thisKind says what `this` may be at a place.
type thisKind int

const (
	thisGlobal thisKind = iota // file scope, or a plain function that may be called without a receiver
	thisOwn                    // a method or constructor
)

// useThis takes every `this` that may be the global object as a change of globals. Strict code gets undefined.
func (s *scanner) useThis() {
	if s.this[len(s.this)-1] == thisGlobal && !s.strict {
		s.out.ownRuntime = true
	}
}

// thisOf guesses how a function is called from where it stands: as a value of a property or a member it is a method,
// and with a name that is used with new, or begins with a capital letter, it is a constructor.
func (s *scanner) thisOf(n *ast.FunctionLiteral) thisKind {
	name := ""
	if n.Name != nil {
		name = n.Name.Name.String()
	}
	if len(s.parent) > 0 {
		switch p := s.parent[len(s.parent)-1].(type) {
		case *ast.PropertyKeyed, *ast.MethodDefinition, *ast.FieldDefinition:
			return thisOwn
		case *ast.AssignExpression:
			if _, ok := p.Left.(*ast.Identifier); !ok {
				return thisOwn
			}
		case *ast.Binding:
			if id, ok := p.Target.(*ast.Identifier); ok && name == "" {
				name = id.Name.String()
			}
		}
	}
	if name != "" && (s.built[name] || name[0] >= 'A' && name[0] <= 'Z') {
		return thisOwn
	}
	return thisGlobal
}

// findConstructors collects the names that stand after new or before .prototype.
func findConstructors(n any, built map[string]bool) {
	note := func(e ast.Expression) {
		if id, ok := e.(*ast.Identifier); ok {
			built[id.Name.String()] = true
		}
	}
	switch n := n.(type) {
	case *ast.NewExpression:
		note(n.Callee)
	case *ast.DotExpression:
		if n.Identifier.Name.String() == "prototype" {
			note(n.Left)
		}
	}
	children(n, func(c any) { findConstructors(c, built) })
}

// rootOf returns the identifier that a chain of members begins with, and whether the chain passes a prototype.
func rootOf(n any) (root *ast.Identifier, prototype bool) {
	for {
		switch e := n.(type) {
		case *ast.Identifier:
			return e, prototype
		case *ast.DotExpression:
			prototype = prototype || e.Identifier.Name.String() == "prototype"
			n = e.Left
		case *ast.BracketExpression:
			if lit, ok := e.Member.(*ast.StringLiteral); ok && lit.Value.String() == "prototype" {
				prototype = true
			}
			n = e.Left
		default:
			return nil, prototype
		}
	}
}

// shared reports whether a chain of members may lead into something that outlives the run: it begins with a name that
// the file does not bind (except module and exports), or passes the prototype of what is not a name. A name that the
// file binds may stand for a built-in, but checkAlias sees how it came to.
func (s *scanner) shared(n any) bool {
	root, prototype := rootOf(n)
	if root == nil {
		return prototype
	}
	name := root.Name.String()
	return !s.bound(name) && name != "module" && name != "exports" && !s.out.assigned[name]
}

func (s *scanner) assignMember(n any) {
	if s.shared(n) {
		s.out.ownRuntime = true
	}
}

// mutators are the functions of Object and Reflect that change their first argument.
var mutators = map[string]bool{
	"assign": true, "defineProperty": true, "defineProperties": true, "setPrototypeOf": true, "set": true,
	"deleteProperty": true, "freeze": true, "seal": true, "preventExtensions": true,
}

func (s *scanner) checkMutator(n *ast.CallExpression) {
	dot, ok := n.Callee.(*ast.DotExpression)
	if !ok || len(n.ArgumentList) == 0 || !mutators[dot.Identifier.Name.String()] {
		return
	}
	if root, ok := dot.Left.(*ast.Identifier); ok && (root.Name == "Object" || root.Name == "Reflect") {
		if s.shared(n.ArgumentList[0]) {
			s.out.ownRuntime = true
		}
	}
}

// checkMember looks for ways to built-in objects other than reading a member of them or calling them.
func (s *scanner) checkMember(n any) {
	switch n := n.(type) {
	case *ast.Binding:
		s.checkAlias(n.Initializer)
	case *ast.AssignExpression:
		s.checkAlias(n.Right)
	case *ast.DotExpression:
		if n.Identifier.Name == "for" {
			if root, ok := n.Left.(*ast.Identifier); ok && root.Name == "Symbol" {
				s.out.ownRuntime = true // the registry of symbols belongs to the runtime
			}
		}
	}
}

// checkAlias takes another name for a built-in, or for a prototype, as the intention to change it.
func (s *scanner) checkAlias(value any) {
	switch v := value.(type) {
	case *ast.Identifier:
		if name := v.Name.String(); !s.bound(name) && builtins[name] {
			s.out.ownRuntime = true
		}
	case *ast.DotExpression:
		if root, _ := rootOf(v); v.Identifier.Name == "prototype" && root != nil && !s.bound(root.Name.String()) {
			s.out.ownRuntime = true
		}
	}
}

var builtins = map[string]bool{
	"Array": true, "Object": true, "String": true, "Number": true, "Boolean": true, "Date": true, "Math": true,
	"JSON": true, "RegExp": true, "Promise": true, "Map": true, "Set": true, "WeakMap": true, "WeakSet": true,
	"Error": true, "TypeError": true, "RangeError": true, "Symbol": true, "Reflect": true, "Proxy": true,
	"console": true, "log": true, "db": true, "context": true,
}

var (
	// reachesPrototypes finds the ways to a prototype that need not name the built-in.
	reachesPrototypes = regexp.MustCompile(`__proto__|getPrototypeOf|__define[GS]etter__|\bconstructor\s*(\.|\[\s*['"])\s*prototype`)
	// needsPlain finds what tells an event object that is built as it is touched from a plain one.
	needsPlain = regexp.MustCompile(`freeze|seal|preventExtensions|isFrozen|isSealed|isExtensible|defineProperty|defineProperties|` +
		`__define[GS]etter__|__lookup[GS]etter__|getOwnPropertyDescriptor|setPrototypeOf|__proto__|Symbol|Proxy|Reflect`)
)
