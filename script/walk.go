package script

import "github.com/dop251/goja/ast"

func (s *scanner) walkAll(body []ast.Statement) {
	for _, st := range body {
		s.walk(st)
	}
}

func (s *scanner) walkChildren(n any) {
	s.parent = append(s.parent, n)
	children(n, s.walk)
	s.parent = s.parent[:len(s.parent)-1]
}

// walk visits one node. Nodes that open a scope, or hold names that are no references, have a case of their own.
func (s *scanner) walk(n any) {
	if target, ok := isAssignment(n); ok {
		s.assign(target)
	}
	switch n := n.(type) {
	case *ast.Identifier:
		s.use(n.Name.String())
		if missing[n.Name.String()] != "" && !s.bound(n.Name.String()) {
			s.out.absent = append(s.out.absent, n)
		}
	case *ast.ThisExpression:
		s.useThis()
	case *ast.FunctionLiteral:
		s.function(n)
	case *ast.ArrowFunctionLiteral:
		s.arrow(n)
	case *ast.ClassLiteral:
		s.class(n)
	case *ast.BlockStatement:
		s.block(n, n.List, nil)
	case *ast.SwitchStatement:
		var all []ast.Statement
		for _, c := range n.Body {
			all = append(all, c.Consequent...)
		}
		s.block(n, all, nil)
	case *ast.CatchStatement:
		s.block(n, nil, n.Parameter)
	case *ast.ForStatement, *ast.ForInStatement, *ast.ForOfStatement:
		s.loop(n)
	case *ast.PropertyKeyed:
		if n.Computed {
			s.walk(n.Key)
		}
		s.parent = append(s.parent, n)
		s.walk(n.Value)
		s.parent = s.parent[:len(s.parent)-1]
	case *ast.PropertyShort:
		s.use(n.Name.Name.String())
		if n.Initializer != nil {
			s.walk(n.Initializer)
		}
	case *ast.LabelledStatement:
		s.walk(n.Statement)
	case *ast.IfStatement:
		s.noteNested(n.Consequent, n.Alternate)
		s.walkChildren(n)
	case *ast.BranchStatement, *ast.MetaProperty:
	case *ast.CallExpression:
		s.call(n)
	default:
		s.checkMember(n)
		s.walkChildren(n)
	}
}

func (s *scanner) call(n *ast.CallExpression) {
	s.checkMutator(n)
	id, ok := n.Callee.(*ast.Identifier)
	if ok && id.Name.String() == "require" && !s.bound("require") && len(n.ArgumentList) == 1 {
		if lit, ok := n.ArgumentList[0].(*ast.StringLiteral); ok {
			s.out.free["require"] = true
			s.out.requires = append(s.out.requires, requireCall{lit.Value.String(), n.Idx0()})
			return
		}
	}
	s.walkChildren(n)
}

func (s *scanner) function(n *ast.FunctionLiteral) {
	names := map[string]bool{"arguments": true}
	if n.Name != nil {
		names[n.Name.Name.String()] = true
	}
	s.body(n, names, n.ParameterList, n.DeclarationList, n.Body.List, s.thisOf(n))
}

func (s *scanner) arrow(n *ast.ArrowFunctionLiteral) {
	var list []ast.Statement
	if b, ok := n.Body.(*ast.BlockStatement); ok {
		list = b.List
	}
	s.body(n, map[string]bool{}, n.ParameterList, n.DeclarationList, list, s.this[len(s.this)-1])
	if e, ok := n.Body.(*ast.ExpressionBody); ok {
		s.push(paramNames(n.ParameterList))
		s.walk(e.Expression)
		s.pop()
	}
}

func paramNames(list *ast.ParameterList) map[string]bool {
	names := map[string]bool{}
	for _, b := range list.List {
		addTarget(names, b.Target)
	}
	addTarget(names, list.Rest)
	return names
}

func (s *scanner) body(n any, names map[string]bool, params *ast.ParameterList, vars []*ast.VariableDeclaration,
	list []ast.Statement, this thisKind) {
	for name := range paramNames(params) {
		names[name] = true
	}
	addVars(names, vars)
	addLexical(names, list)
	strict := s.strict
	s.strict = strict || isStrict(list)
	s.push(names)
	s.this = append(s.this, this)
	s.parent = append(s.parent, n)
	for _, b := range params.List {
		s.walk(b)
	}
	if params.Rest != nil {
		s.walk(params.Rest)
	}
	s.walkAll(list)
	s.parent = s.parent[:len(s.parent)-1]
	s.this = s.this[:len(s.this)-1]
	s.pop()
	s.strict = strict
}

func (s *scanner) class(n *ast.ClassLiteral) {
	strict := s.strict
	s.strict = true
	names := map[string]bool{}
	if n.Name != nil {
		names[n.Name.Name.String()] = true
	}
	s.push(names)
	if n.SuperClass != nil {
		s.walk(n.SuperClass)
	}
	s.this = append(s.this, thisOwn)
	for _, e := range n.Body {
		s.classElement(e)
	}
	s.this = s.this[:len(s.this)-1]
	s.pop()
	s.strict = strict
}

func (s *scanner) classElement(e ast.ClassElement) {
	s.parent = append(s.parent, e)
	switch e := e.(type) {
	case *ast.FieldDefinition:
		if e.Computed {
			s.walk(e.Key)
		}
		if e.Initializer != nil {
			s.walk(e.Initializer)
		}
	case *ast.MethodDefinition:
		if e.Computed {
			s.walk(e.Key)
		}
		s.walk(e.Body)
	case *ast.ClassStaticBlock:
		names := map[string]bool{}
		addVars(names, e.DeclarationList)
		s.push(names)
		s.walk(e.Block)
		s.pop()
	}
	s.parent = s.parent[:len(s.parent)-1]
}

func (s *scanner) block(n any, list []ast.Statement, param ast.BindingTarget) {
	names := map[string]bool{}
	addLexical(names, list)
	s.noteNested(list...)
	if param != nil {
		addTarget(names, param)
	}
	s.push(names)
	s.walkChildren(n)
	s.pop()
}

// noteNested notes functions that are declared where only sloppy code may.
func (s *scanner) noteNested(list ...ast.Statement) {
	for _, st := range list {
		if _, ok := st.(*ast.FunctionDeclaration); ok && !s.strict {
			s.out.nested = true
		}
	}
}

// loop opens the scope of the loop's own let or const, and notes what `for (x in …)` assigns.
func (s *scanner) loop(n any) {
	names := map[string]bool{}
	into := func(i ast.ForInto) {
		switch i := i.(type) {
		case *ast.ForDeclaration:
			addTarget(names, i.Target)
		case *ast.ForIntoExpression:
			s.assign(i.Expression)
		}
	}
	switch n := n.(type) {
	case *ast.ForStatement:
		if d, ok := n.Initializer.(*ast.ForLoopInitializerLexicalDecl); ok {
			for _, b := range d.LexicalDeclaration.List {
				addTarget(names, b.Target)
			}
		}
	case *ast.ForInStatement:
		into(n.Into)
	case *ast.ForOfStatement:
		into(n.Into)
	}
	s.push(names)
	s.walkChildren(n)
	s.pop()
}
