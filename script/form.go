package script

import (
	"regexp"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
)

// LastValue reports whether the last value of the file can be its answer: it has one, and is not a module that exports
// something. A file may define functions as well; which of them its caller looks for first is for the caller to say.
func (p *Program) LastValue() bool { return p.last }

// define finds out which functions the file defines. As a rule it is evaluated for that. A file whose last value may be
// its answer needs its event for that: it is evaluated only if it may define a known function, and what goes wrong then
// is told only if it does nothing with data.
func (p *Program) define(known []string) []Problem {
	m := p.main
	p.last = m.valued() && !m.exports()
	if len(known) == 0 || !p.last {
		return p.evaluate()
	}
	if !p.mayDefine(known) {
		p.functions = map[string]bool{}
		return nil
	}
	problems := p.evaluate()
	if problems != nil && m.needsData() {
		p.functions, problems = m.declaredFunctions(), nil
	}
	return problems
}

var (
	mentionsModule = regexp.MustCompile(`\b(?:module|exports)\b`)
	exportsByWord  = regexp.MustCompile(`(?m)^\s*export\b`)
)

// isBare reports whether a file, whose own text is given and the text with what it includes, has no module system. Scripts of
// brainCloud had none, and libraries that are included into them ask for it: if they found one they would not make the
// global that the script uses.
func isBare(path, own, whole string) bool {
	included := len(own) != len(whole) && !mentionsModule.MatchString(own)
	return (strings.HasSuffix(path, ".ccjs") || included) && !exportsByWord.MatchString(whole)
}

// exports reports whether the file makes use of what it exports.
func (m *module) exports() bool { return m.scan.free["exports"] || m.scan.free["module"] }

// mayDefine reports whether the file may define one of the functions: it binds the name, exports something, or reaches
// its globals in a way that cannot be foreseen and mentions the name.
func (p *Program) mayDefine(known []string) bool {
	m := p.main
	return m.exports() || slices.ContainsFunc(known, func(name string) bool {
		return m.binds(name) || p.fresh && strings.Contains(m.source, "."+name)
	})
}

// declaredFunctions are the functions that the file declares as such, which are there whatever comes of the rest.
func (m *module) declaredFunctions() map[string]bool {
	functions := map[string]bool{}
	for _, st := range m.tree.Body {
		if f, ok := st.(*ast.FunctionDeclaration); ok {
			functions[f.Function.Name.Name.String()] = true
		}
	}
	return functions
}
