package script

import (
	"fmt"
	"sync"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// Program is a compiled file with everything that it requires. It is safe for concurrent use.
type Program struct {
	files Files
	main  *module

	mu       sync.Mutex
	modules  map[string]*module
	included map[string]bool          // files that are part of others
	entries  map[string]*goja.Program // main by the function that it hands out

	plain     bool // event objects are built whole
	fresh     bool // each run needs a runtime of its own
	extended  bool // and that runtime what language.js adds
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
	parts      *assembly  // of a file that includes others; nil of one that does not
	interops   []string   // functions of esbuild that the transpiled file uses; see interop.go
	bare       bool       // the file has no exports and no module; see isBare
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
		m, bad := p.parseModule(path)
		problems = append(problems, bad...)
		p.modules[path] = m
		for _, r := range m.scan.requires {
			if isBuiltinModule(r.name) {
				continue
			}
			target, err := p.files.resolve(m.fileAt(r.at), r.name)
			if err != nil {
				problems = append(problems, m.problem(r.at, err.Error()))
				continue
			}
			if other := m.requires[r.name]; other != "" && other != target {
				problems = append(problems, m.problem(r.at, fmt.Sprintf("%q means %s here and %s in a file that includes this one or is "+
					"included by it: rename one of them", r.name, target, other)))
				continue
			}
			m.requires[r.name] = target
			queue = append(queue, target)
		}
	}
	return problems
}

// classify decides how the program has to be run, over all its files.
func (p *Program) classify() {
	p.mentions = p.mentioned()
	for _, m := range p.modules {
		if needsPlain.MatchString(m.source) {
			p.plain = true
		}
		p.extended = p.extended || usesExtensions.MatchString(m.source)
		switch {
		case m.scan.ownRuntime, m.scan.anyRequire, m.scan.free["arguments"], reachesPrototypes.MatchString(m.source):
			p.fresh = true
		case len(p.modules) > 1 && len(m.scan.assigned) > 0:
			p.fresh = true // files share undeclared globals
		}
	}
}
