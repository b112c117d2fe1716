package script

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
)

// What JavaScript has elsewhere and goja has not is told when a file is checked, with what to write instead, as far as it
// can be seen in the text. What can be added is added: see language.js.

// missing are names that scripts know from elsewhere.
var missing = map[string]string{
	"WeakRef":              "keep the value itself: a run is short",
	"FinalizationRegistry": "free what is needed when it is done: a run is short",
	"Intl":                 "use toLocaleString and its like, which know en-US, or write the format out",
	"Temporal":             "use Date",
	"Atomics":              "a run has one thread",
	"SharedArrayBuffer":    "use ArrayBuffer: a run has one thread",
	"WebAssembly":          "write it in JavaScript, or call a service with request or fetch",
	"Worker":               "a run has one thread; jobs.enqueue starts another run",
	"performance":          "use Date.now()",
	"XMLHttpRequest":       "use request or fetch",
	"WebSocket":            "use request or fetch: a run is short",
	"localStorage":         "use kv, which lasts",
	"sessionStorage":       "use kv, which lasts",
	"alert":                "use log.info",
	"__dirname":            "require and import take paths relative to the file",
	"__filename":           "require and import take paths relative to the file",
	"process":              "settings of gaff.yaml are in context.settings",
	"importClass":          "Java is not here: see the host API",
	"importPackage":        "Java is not here: see the host API",
	"JavaImporter":         "Java is not here: see the host API",
	"Packages":             "Java is not here: see the host API",
}

const lastMatch = "take it from what exec or match gives"

// missingStatic are functions of built-in objects.
var missingStatic = map[string]string{
	"RegExp.$1": lastMatch, "RegExp.$2": lastMatch, "RegExp.$3": lastMatch, "RegExp.$4": lastMatch, "RegExp.$5": lastMatch,
	"RegExp.lastMatch": lastMatch, "RegExp.leftContext": lastMatch, "RegExp.rightContext": lastMatch, "RegExp.lastParen": lastMatch,
	"JSON.rawJSON": "write large numbers as text", "JSON.isRawJSON": "write large numbers as text",
	"RegExp.escape": "replace(/[.*+?^${}()|[\\]\\\\]/g, '\\\\$&')", "Math.f16round": "use Math.fround",
	"Math.sumPrecise": "add with reduce",
}

// gaps tells of what the file uses and goja has not.
func (m *module) gaps() []Problem {
	if m.tree == nil {
		return nil
	}
	g := &gapFinder{m: m}
	g.names()
	for _, st := range m.tree.Body {
		g.visit(st)
	}
	problems := append(g.problems, m.misplacedIncludes()...)
	if g.rewrote && len(problems) == 0 {
		var err error
		if m.compiled, err = goja.CompileAST(m.wrap(nil), false); err != nil {
			return m.problemsOf(err, nil)
		}
	}
	return problems
}

type gapFinder struct {
	m        *module
	problems []Problem
	rewrote  bool // a regular expression is written out
}

func (g *gapFinder) add(at file.Idx, format string, args ...any) {
	g.problems = append(g.problems, g.m.problem(at, fmt.Sprintf(format, args...)))
}

func (g *gapFinder) visit(n any) {
	switch n := n.(type) {
	case *ast.RegExpLiteral:
		g.literal(n)
	case *ast.DotExpression:
		if root, ok := n.Left.(*ast.Identifier); ok && g.m.scan.free[root.Name.String()] {
			name := root.Name.String() + "." + n.Identifier.Name.String()
			if instead, is := missingStatic[name]; is && !g.tested(n.Identifier.Name.String()) {
				g.add(n.Idx0(), "%s is not there: %s", name, instead)
			}
			g.member(n, root.Name.String(), n.Identifier.Name.String())
		}
		g.visit(n.Left) // the name of a member is none of these
		return
	case *ast.PropertyKeyed:
		if n.Computed {
			g.visit(n.Key)
		}
		g.visit(n.Value)
		return
	case *ast.LabelledStatement:
		g.visit(n.Statement)
		return
	case *ast.BranchStatement, *ast.MetaProperty:
		return
	case *ast.CallExpression:
		g.call(n)
	case *ast.NewExpression:
		g.constructed(n.Callee, n.ArgumentList)
	}
	children(n, g.visit)
}

// closed are objects of the host API of which only what they hold can be meant.
var closed = map[string]bool{"db": true, "crypto": true, "kv": true, "jobs": true, "auth": true}

// member tells of a member that an object of the host API has not.
func (g *gapFinder) member(n *ast.DotExpression, object, name string) {
	if !closed[object] || g.tested(name) || strings.Contains(g.m.source, "."+name+" = ") || strings.Contains(g.m.source, "."+name+" ||") {
		return
	}
	var there []string
	for _, m := range globalNamed(object).members {
		if there = append(there, m.name); m.name == name {
			return
		}
	}
	if !slices.Contains([]string{"toString", "hasOwnProperty", "constructor"}, name) {
		g.add(n.Identifier.Idx, "%s.%s is not there: %s has %s", object, name, object, strings.Join(there, ", "))
	}
}

// names tells of names that are used and bound nowhere, unless the file asks first whether they are there.
func (g *gapFinder) names() {
	for _, id := range g.m.scan.absent {
		if name := id.Name.String(); !g.m.scan.assigned[name] && !g.tested(name) {
			g.add(id.Idx, "%s is not there: %s", name, missing[name])
		}
	}
}

// tested reports whether the file asks for a name's type, or for a member with an if.
func (g *gapFinder) tested(name string) bool {
	source := g.m.source
	return strings.Contains(source, "typeof "+name) || strings.Contains(source, "typeof globalThis."+name) ||
		strings.Contains(source, "'"+name+"' in ") || strings.Contains(source, `"`+name+`" in `) ||
		strings.Contains(source, "."+name+" ?") || strings.Contains(source, "."+name+")")
}

func (g *gapFinder) call(n *ast.CallExpression) {
	if id, ok := n.Callee.(*ast.Identifier); ok {
		g.constructed(id, n.ArgumentList)
	}
	dot, ok := n.Callee.(*ast.DotExpression)
	if !ok {
		return
	}
	switch name := dot.Identifier.Name.String(); name {
	case "toLocaleString", "toLocaleDateString", "toLocaleTimeString":
		g.locale(name, n)
	case "localeCompare":
		if len(n.ArgumentList) > 2 {
			g.options(name, n.ArgumentList[2], compareOptions)
		}
	case "anchor", "big", "blink", "bold", "fixed", "fontcolor", "fontsize", "italics", "link", "small", "strike", "sub", "sup":
		if _, text := dot.Left.(*ast.StringLiteral); text {
			g.add(dot.Identifier.Idx, "%s is not there: write the tag out", name)
		}
	}
}

// constructed looks at regular expressions that are written out in new RegExp.
func (g *gapFinder) constructed(callee ast.Expression, args []ast.Expression) {
	id, ok := callee.(*ast.Identifier)
	if !ok || id.Name != "RegExp" || !g.m.scan.free["RegExp"] || len(args) == 0 {
		return
	}
	pattern, ok := args[0].(*ast.StringLiteral)
	if !ok {
		return
	}
	flags := ""
	if len(args) > 1 {
		f, ok := args[1].(*ast.StringLiteral)
		if !ok {
			return
		}
		flags = f.Value.String()
	}
	if strings.Contains(flags, "u") && unicodeProperty.MatchString(pattern.Value.String()) {
		g.add(pattern.Idx, `new RegExp does not know \p{…}: write the expression as a literal, /…/%s`, flags)
		return
	}
	if err := checkRegExp(pattern.Value.String(), flags); err != "" {
		g.add(pattern.Idx, "%s", err)
	}
}

// locales are those in which numbers and times are written.
var locales = map[string]bool{"en": true, "en-US": true}

// locale tells of a locale, or an option, that is not known, if it is written out.
func (g *gapFinder) locale(name string, n *ast.CallExpression) {
	if len(n.ArgumentList) > 0 {
		if text, ok := n.ArgumentList[0].(*ast.StringLiteral); ok && !locales[text.Value.String()] {
			g.add(text.Idx, "%s knows the locale en-US only: write the format out", name)
		}
	}
	if len(n.ArgumentList) < 2 {
		return
	}
	g.options(name, n.ArgumentList[1], numberOptions, dateOptions)
}

// options tells of options of a call that are not known, if they are written out.
func (g *gapFinder) options(name string, given ast.Expression, known ...map[string]bool) {
	options, ok := given.(*ast.ObjectLiteral)
	if !ok {
		return
	}
	for _, p := range options.Value {
		keyed, ok := p.(*ast.PropertyKeyed)
		if !ok || keyed.Computed {
			continue
		}
		key, ok := keyed.Key.(*ast.StringLiteral)
		if ok && !slices.ContainsFunc(known, func(names map[string]bool) bool { return names[key.Value.String()] }) {
			g.add(key.Idx, "%s does not know the option %s: write the format out", name, key.Value.String())
		}
	}
}
