package script

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/go-sourcemap/sourcemap"
	"github.com/tidwall/gjson"
)

// Program is a compiled file with everything that it requires. It is safe for concurrent use.
type Program struct {
	files Files
	main  *module

	mu      sync.Mutex
	modules map[string]*module
	entries map[string]*goja.Program // main by the function that it hands out

	plain     bool // event objects are built whole
	fresh     bool // each run needs a runtime of its own
	functions map[string]bool
	last      bool  // the file's last value can be its answer
	exprVars  []int // of a condition: which variables it uses
	coverage  *Coverage
	mentions  func(*global) bool // which globals of libraries the files may use
	texts     compiledTexts      // templates
}

// module is one file of a program.
type module struct {
	path     string
	source   string // the author's text
	json     bool
	text     bool
	tree     *ast.Program
	scan     scan
	params   []string
	compiled *goja.Program     // a function that evaluates the file; nil for the main file and for JSON
	requires map[string]string // what a require in this file means, by its argument

	coverage   *Coverage  // may be nil
	statements statements // nil if they are not counted
}

// Compile prepares the file at path with everything it requires, and evaluates it once, without a host and for at most
// a second, to see what it defines. The error is a [*CompileError] with every problem that was found.
//
// known are the functions that the caller is interested in, if it can also do with the last value of a file. A file that
// defines none of them and has a last value is then not evaluated; see [Program.LastValue].
func Compile(files Files, path string, known ...string) (*Program, error) {
	return compile(files, path, nil, known)
}

func compile(files Files, path string, c *Coverage, known []string) (*Program, error) {
	p := &Program{files: files, modules: map[string]*module{}, entries: map[string]*goja.Program{}, coverage: c}
	if _, ok := files[path]; !ok {
		return nil, compileError([]Problem{{File: path, Message: "no such file"}})
	}
	problems := p.load(path)
	if len(problems) == 0 {
		p.main = p.modules[path]
		p.classify()
		problems = p.define(known)
	}
	if err := compileError(problems); err != nil {
		return nil, err
	}
	return p, nil
}

// load compiles the file and, breadth first, what it requires.
func (p *Program) load(path string) []Problem {
	var problems []Problem
	for queue := []string{path}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if p.modules[path] != nil {
			continue
		}
		m, bad := parseModule(path, p.files[path], p.coverage)
		problems = append(problems, bad...)
		p.modules[path] = m
		for _, r := range m.scan.requires {
			if isBuiltinModule(r.name) {
				continue
			}
			target, err := p.files.resolve(path, r.name)
			if err != nil {
				problems = append(problems, m.problem(r.at, err.Error()))
				continue
			}
			m.requires[r.name] = target
			queue = append(queue, target)
		}
	}
	return problems
}

func (m *module) problem(at file.Idx, message string) Problem {
	pos := m.tree.File.Position(int(at) - 1)
	return Problem{File: m.path, Line: pos.Line, Col: pos.Column, Message: message}
}

// parseModule returns a module in any case, so that a broken file does not hide the problems of others.
func parseModule(path, source string, c *Coverage) (*module, []Problem) {
	m := &module{path: path, source: source, requires: map[string]string{}, coverage: c}
	if strings.HasSuffix(path, ".json") {
		m.json = true
		return m, checkJSON(path, source)
	}
	if m.text = isText(path); m.text {
		return m, nil
	}
	text := strings.TrimPrefix(source, "\ufeff")
	if strings.HasPrefix(text, "#!") {
		text = "//" + text[2:]
	}
	if needsTranspiling(path) {
		return m, m.transpile(text)
	}
	if err := m.parse(text, nil); err != nil {
		return m, m.transpile(text)
	}
	return m, nil
}

func checkJSON(path, source string) []Problem {
	if gjson.Valid(source) {
		return nil
	}
	return []Problem{{File: path, Line: 1, Col: 1, Message: "not valid JSON"}}
}

func (m *module) transpile(text string) []Problem {
	code, smap, problems := transpile(m.path, text)
	if problems == nil {
		if err := m.parse(code, smap); err != nil {
			problems = m.problemsOf(err)
		}
	}
	if problems != nil {
		m.scan = scan{}
	}
	return problems
}

// parse builds the module from text that goja takes as it is. The text is parsed alone, so that nothing in it can
// reach out of the function that is later put around its syntax tree.
func (m *module) parse(text string, smap *sourcemap.Consumer) error {
	tree, err := parser.ParseFile(nil, m.path, text, 0, parser.WithDisableSourceMaps)
	if err != nil {
		return err
	}
	m.tree, m.scan = tree, scanProgram(tree)
	m.params = m.parameters()
	m.count(m.coverage, smap)
	if smap != nil {
		tree.File.SetSourceMap(smap)
	}
	m.compiled, err = goja.CompileAST(m.wrap(nil), false)
	return err
}

// problemsOf turns an error of goja into problems.
func (m *module) problemsOf(err error) []Problem {
	var list parser.ErrorList
	if errors.As(err, &list) {
		problems := make([]Problem, 0, len(list))
		for _, e := range list {
			problems = append(problems, Problem{m.path, e.Position.Line, e.Position.Column, e.Message})
		}
		return problems
	}
	var syntax *goja.CompilerSyntaxError
	if errors.As(err, &syntax) && syntax.File != nil {
		pos := syntax.File.Position(syntax.Offset)
		return []Problem{{m.path, pos.Line, pos.Column, syntax.Message}}
	}
	return []Problem{{File: m.path, Message: fmt.Sprint(err)}}
}

// classify decides how the program has to be run, over all its files.
func (p *Program) classify() {
	p.mentions = p.mentioned()
	for _, m := range p.modules {
		if needsPlain.MatchString(m.source) {
			p.plain = true
		}
		switch {
		case m.scan.ownRuntime, m.scan.anyRequire, m.scan.free["arguments"], reachesPrototypes.MatchString(m.source):
			p.fresh = true
		case len(p.modules) > 1 && len(m.scan.assigned) > 0:
			p.fresh = true // files share undeclared globals
		}
	}
}
