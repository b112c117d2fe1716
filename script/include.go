package script

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/dop251/goja/ast"
)

// bridge.include('path') at the top of a file stands for the text of another one. Texts are put together before anything
// is parsed, so that what they declare is in one scope; a list says where each line comes from.

// origin is where a line of an assembled text comes from.
type origin struct {
	file string
	line int // from 1
}

// assembly is a file with what it includes.
type assembly struct {
	text    string
	lines   []origin // of each line of text
	files   []string // what is included, in its order
	scripts bool     // a file among them is TypeScript
}

const maxIncludes = 100

var (
	mentionsInclude = regexp.MustCompile(`\bbridge\s*\.\s*include\b`)
	// topOfFile is what may stand before an include: blanks, comments, a directive, and #! in the first line.
	topOfFile   = regexp.MustCompile(`^(?:\s+|//[^\n]*|#![^\n]*|/\*(?s:.*?)\*/|(?:"use strict"|'use strict')\s*;?)`)
	includeCall = regexp.MustCompile(`^bridge\s*\.\s*include\s*\(\s*(?:"([^"\n]*)"|'([^'\n]*)'|` + "`([^`\n$]*)`" + `)\s*\)[ \t]*;?`)
)

// include is one bridge.include of a file.
type include struct {
	name       string
	start, end int // in the text
}

// includesOf returns the includes at the top of a text, and where the top ends.
func includesOf(text string) (list []include, top int) {
	for top < len(text) {
		if loc := topOfFile.FindStringIndex(text[top:]); loc != nil {
			top += loc[1]
			continue
		}
		m := includeCall.FindStringSubmatchIndex(text[top:])
		if m == nil {
			break
		}
		name := ""
		for i := 2; i < len(m); i += 2 {
			if m[i] >= 0 {
				name = text[top+m[i] : top+m[i+1]]
			}
		}
		list = append(list, include{name, top, top + m[1]})
		top += m[1]
	}
	return list, top
}

// assemble puts a file together with what it includes; nil if it includes nothing.
func (p *Program) assemble(file, source string) (*assembly, []Problem) {
	if !mentionsInclude.MatchString(source) {
		return nil, nil
	}
	list, _ := includesOf(source)
	if len(list) == 0 {
		return nil, nil // what stands elsewhere is told once the file is parsed
	}
	a := &assembly{}
	if isStrictText(source) {
		a.add(file, `"use strict";`)
	}
	problems := a.take(p.files, file, source, []string{file})
	return a, problems
}

// isStrictText reports whether a text begins with the directive.
func isStrictText(text string) bool {
	for {
		trimmed := strings.TrimLeft(text, " \t\r\n;\ufeff")
		if strings.HasPrefix(trimmed, `"use strict"`) || strings.HasPrefix(trimmed, `'use strict'`) {
			return true
		}
		loc := topOfFile.FindStringIndex(trimmed)
		if loc == nil {
			return false
		}
		text = trimmed[loc[1]:]
	}
}

func (a *assembly) add(file, text string) {
	for i, line := range strings.Split(text, "\n") {
		a.text += line + "\n"
		a.lines = append(a.lines, origin{file, i + 1})
	}
}

// take appends what a file includes, each file once, and then the file with blanks in place of its includes.
func (a *assembly) take(files Files, file, source string, chain []string) []Problem {
	var problems []Problem
	list, _ := includesOf(source)
	blanked := []byte(source)
	for _, inc := range list {
		for i := inc.start; i < inc.end; i++ {
			if blanked[i] != '\n' {
				blanked[i] = ' '
			}
		}
		line, col := lineOf(source, inc.start)
		target, err := files.included(file, inc.name)
		switch {
		case err != nil:
			problems = append(problems, Problem{file, line, col, err.Error()})
		case slices.Contains(chain, target):
			problems = append(problems, Problem{file, line, col, "the files include each other in a circle: " +
				strings.Join(append(slices.Clone(chain), target), " includes ")})
		case slices.Contains(a.files, target):
		case len(a.files) >= maxIncludes:
			problems = append(problems, Problem{file, line, col, fmt.Sprintf("more than %d files are included", maxIncludes)})
		default:
			a.files = append(a.files, target)
			a.scripts = a.scripts || needsTranspiling(target)
			problems = append(problems, a.take(files, target, files[target], append(slices.Clone(chain), target))...)
		}
	}
	a.add(file, string(blanked))
	return problems
}

func lineOf(text string, at int) (line, col int) {
	before := text[:at]
	return strings.Count(before, "\n") + 1, at - strings.LastIndexByte(before, '\n')
}

// includable are the extensions of files that can be included, in the order in which they are looked for.
var includable = []string{".ccjs", ".js", ".ts", ".mjs", ".cjs"}

// included returns the file that an include means. Its path is relative to the file that includes it; the extension does
// not matter.
func (f Files) included(from, name string) (string, error) {
	base := path.Join(path.Dir(from), name)
	if path.IsAbs(name) {
		base = path.Clean(name)[1:]
	}
	if base == ".." || strings.HasPrefix(base, "../") {
		return "", fmt.Errorf("cannot include %q: the path leads out of the project", name)
	}
	if _, ok := f[base]; ok && slices.Contains(includable, path.Ext(base)) {
		return base, nil
	}
	for _, stem := range []string{strings.TrimSuffix(base, path.Ext(base)), base} {
		for _, ext := range includable {
			if _, ok := f[stem+ext]; ok {
				return stem + ext, nil
			}
		}
	}
	return "", fmt.Errorf("cannot include %q: there is no such file next to %s", name, from)
}

// place is where a position of the assembled text is in the author's files.
func (a *assembly) place(p Problem) Problem {
	if a != nil && p.Line >= 1 && p.Line <= len(a.lines) {
		o := a.lines[p.Line-1]
		p.File, p.Line = o.file, o.line
	}
	return p
}

// misplacedIncludes tells of every bridge.include that is left once the file is put together.
func (m *module) misplacedIncludes() []Problem {
	if m.tree == nil || !mentionsInclude.MatchString(m.source) {
		return nil
	}
	var problems []Problem
	var visit func(any)
	visit = func(n any) {
		if call, ok := n.(*ast.CallExpression); ok && isInclude(call) && !m.declares("bridge") {
			problems = append(problems, m.problem(call.Idx0(), "bridge.include stands at the top of a file, before anything but "+
				"comments and \"use strict\", with a path that is written out: bridge.include(\"lib/name\")"))
		}
		children(n, visit)
	}
	for _, st := range m.tree.Body {
		visit(st)
	}
	return problems
}

func (m *module) declares(name string) bool { return slices.Contains(m.scan.declared, name) }

func isInclude(call *ast.CallExpression) bool {
	dot, ok := call.Callee.(*ast.DotExpression)
	if !ok || dot.Identifier.Name != "include" {
		return false
	}
	root, ok := dot.Left.(*ast.Identifier)
	return ok && root.Name == "bridge"
}
