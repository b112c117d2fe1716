package script

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/file"
	"github.com/dop251/goja/parser"
	"github.com/go-sourcemap/sourcemap"
	"github.com/tidwall/gjson"
)

// problem is one at a position of the file's syntax tree, told where the author wrote it.
func (m *module) problem(at file.Idx, message string) Problem {
	pos := m.tree.File.Position(int(at) - 1)
	return Problem{File: m.fileNamed(pos.Filename), Line: pos.Line, Col: pos.Column, Message: message}
}

// fileAt is the file in which a position lies: the module's own, or one that it includes.
func (m *module) fileAt(at file.Idx) string {
	return m.fileNamed(m.tree.File.Position(int(at) - 1).Filename)
}

// fileNamed is the file that a position names, which may have gone through a source map.
func (m *module) fileNamed(name string) string {
	if m.parts == nil {
		return m.path
	}
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// parseModule returns a module in any case, so that a broken file does not hide the problems of others.
func (p *Program) parseModule(path string) (*module, []Problem) {
	m := &module{path: path, source: p.files[path], requires: map[string]string{}, coverage: p.coverage}
	if strings.HasSuffix(path, ".json") {
		m.json = true
		return m, checkJSON(path, m.source)
	}
	if m.text = isText(path); m.text {
		return m, nil
	}
	parts, problems := p.assemble(path, strings.TrimPrefix(m.source, "\ufeff"))
	if len(problems) > 0 {
		return m, problems
	}
	if m.parts = parts; parts != nil {
		m.source = parts.text
		p.includes(parts.files)
	}
	m.bare = isBare(path, p.files[path], m.source)
	if problems = m.compile(); len(problems) == 0 {
		problems = m.gaps()
	}
	return m, problems
}

func (p *Program) includes(files []string) {
	if p.included == nil {
		p.included = map[string]bool{}
	}
	for _, f := range files {
		p.included[f] = true
	}
}

func checkJSON(path, source string) []Problem {
	if gjson.Valid(source) {
		return nil
	}
	return []Problem{{File: path, Line: 1, Col: 1, Message: "not valid JSON"}}
}

// compile parses the file as it is or, if it has to be or goja does not take it, transpiled.
func (m *module) compile() []Problem {
	text := strings.TrimPrefix(m.source, "\ufeff")
	if strings.HasPrefix(text, "#!") {
		text = "//" + text[2:]
	}
	if needsTranspiling(m.path) || m.parts != nil && m.parts.scripts {
		return m.transpile(text)
	}
	var smap *sourcemap.Consumer
	if m.parts != nil {
		var err error
		if smap, err = m.parts.sourceMap(m.path); err != nil {
			return []Problem{{File: m.path, Message: fmt.Sprintf("source map: %v", err)}}
		}
	}
	if err := m.parse(text, smap); err != nil || m.scan.nested { // goja does not hoist such functions out of their block
		return m.transpile(text)
	}
	return nil
}

func (m *module) transpile(text string) []Problem {
	code, smap, problems := m.transpiled(text)
	if problems == nil {
		if err := m.parse(code, smap); err != nil {
			problems = m.problemsOf(err, smap)
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
	if m.bare {
		delete(m.scan.free, "module")
		delete(m.scan.free, "exports")
	}
	m.params = m.parameters()
	m.count(m.coverage, smap)
	if smap != nil {
		tree.File.SetSourceMap(smap)
	}
	m.compiled, err = goja.CompileAST(m.wrap(nil), false)
	return err
}

// problemsOf turns an error of goja into problems. smap is that of the text that was parsed, if it was transpiled.
func (m *module) problemsOf(err error, smap *sourcemap.Consumer) []Problem {
	var list parser.ErrorList
	if errors.As(err, &list) {
		problems := make([]Problem, 0, len(list))
		for _, e := range list {
			p := Problem{m.path, e.Position.Line, e.Position.Column, advice(e.Message)}
			if smap != nil {
				p = m.mapped(p, smap)
			}
			problems = append(problems, p)
		}
		return problems
	}
	var syntax *goja.CompilerSyntaxError
	if errors.As(err, &syntax) && syntax.File != nil {
		pos := syntax.File.Position(syntax.Offset)
		return []Problem{{m.fileNamed(pos.Filename), pos.Line, pos.Column, advice(syntax.Message)}}
	}
	return []Problem{{File: m.path, Message: fmt.Sprint(err)}}
}

// mapped is a problem at a position of transpiled code, told where the author wrote it.
func (m *module) mapped(p Problem, smap *sourcemap.Consumer) Problem {
	source, _, line, col, ok := smap.Source(p.Line, p.Col)
	if !ok {
		return p
	}
	p.Line, p.Col = line, col
	if url := file.ResolveSourcemapURL(m.path, source); m.parts != nil && url != nil {
		p.File = m.fileNamed(url.String())
	}
	return p
}
