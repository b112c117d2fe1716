package main

import (
	"context"

	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gaff/script"
)

// rewrite writes what cases got into their expect, and returns how all cases go then.
func (c *testCommand) rewrite(ctx context.Context, o *offline, sources map[string]string, results []caseResult) ([]caseResult, error) {
	engine := script.NewEngine(script.Config{})
	defer engine.Close(context.WithoutCancel(ctx)) // nothing is under way any more
	edits := map[string][]lineEdit{}
	for _, r := range results {
		if r.outcome == nil || r.OK && !r.of.Expect.empty() {
			continue
		}
		second, err := o.again(ctx, engine, r.of)
		if err != nil {
			return nil, err
		}
		made, err := editsOf(sources[r.File], r.of, r.of.got(r.outcome, second))
		if err != nil {
			return nil, err
		}
		edits[r.File] = append(edits[r.File], made...)
		fmt.Fprintf(c.stderr, "updated %s:%d %s\n", r.File, r.Line, plain(r.Name))
	}
	var cases []testCase
	for _, file := range slices.Sorted(maps.Keys(sources)) {
		text := edited(sources[file], edits[file])
		read, err := readCases(file, text)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be updated: %w", file, err)
		}
		if text != sources[file] {
			if err := os.WriteFile(filepath.Join(c.dir, filepath.FromSlash(file)), []byte(text), 0o644); err != nil {
				return nil, fmt.Errorf("the case cannot be written: %w", err)
			}
		}
		cases = append(cases, read...)
	}
	return o.runCases(ctx, cases), nil
}

// again runs a case once more, a moment later and its job at quite another time, so that what depends on time differs.
func (o *offline) again(ctx context.Context, engine *script.Engine, c *testCase) (*outcome, error) {
	moment := time.NewTimer(10 * time.Millisecond)
	defer moment.Stop()
	select {
	case <-moment.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return o.runCase(ctx, engine, c, time.Now().Add(-(25*time.Hour + time.Minute + time.Second)))
}

// lineEdit replaces whole lines of a file, from 0 and without the last.
type lineEdit struct {
	from, to int
	text     string
}

// edited makes edits that do not overlap.
func edited(source string, edits []lineEdit) string {
	lines := slices.Collect(strings.Lines(source))
	if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
		lines[n-1] += "\n"
	}
	slices.SortFunc(edits, func(a, b lineEdit) int { return b.from - a.from })
	for _, e := range edits {
		lines = slices.Replace(lines, e.from, e.to, e.text)
	}
	return strings.Join(lines, "")
}

// editsOf puts fields into the expect of a case. Only the lines of these fields change.
func editsOf(source string, c *testCase, fields []field) ([]lineEdit, error) {
	pairs, err := caseNode(source, c)
	if err != nil {
		return nil, err
	}
	lines := slices.Collect(strings.Lines(source))
	last := pairs[len(pairs)-1]
	at := slices.IndexFunc(pairs, func(p *ast.MappingValueNode) bool { return p.Key.GetToken().Value == "expect" })
	if at < 0 {
		return one(insertion(lines, last, pairs[0], field{"expect", object(fields)}))
	}
	inner := blockOf(pairs[at].Value)
	if inner == nil { // expect is written in one line, or empty
		return one(replacement(lines, pairs[at], field{"expect", object(c.Expect.with(fields))}))
	}
	var edits []lineEdit
	var more []field
	for _, f := range fields {
		i := slices.IndexFunc(inner, func(p *ast.MappingValueNode) bool { return p.Key.GetToken().Value == f.name })
		if i < 0 {
			more = append(more, f)
			continue
		}
		e, err := replacement(lines, inner[i], f)
		if err != nil {
			return nil, err
		}
		edits = append(edits, e)
	}
	if more == nil {
		return edits, nil
	}
	e, err := insertion(lines, inner[len(inner)-1], inner[0], more...)
	return append(edits, e), err
}

func one(e lineEdit, err error) ([]lineEdit, error) { return []lineEdit{e}, err }

// caseNode returns the keys of a case in its file.
func caseNode(source string, c *testCase) ([]*ast.MappingValueNode, error) {
	tree, err := parser.ParseBytes([]byte(source), 0)
	if err != nil {
		return nil, yamlProblem(c.file, err)
	}
	node := tree.Docs[0].Body
	if list, ok := node.(*ast.SequenceNode); ok {
		node = list.Values[c.index]
	}
	pairs := blockOf(node)
	if pairs == nil {
		return nil, problemAt(c.file, c.line, 1, "--update needs a case of one key a line, not in braces")
	}
	return pairs, nil
}

// blockOf returns the keys of a mapping that has one a line, or nil.
func blockOf(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle {
			return n.Values
		}
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// with returns all that is expected, the given fields in place of what is there.
func (e *expectation) with(fields []field) []field {
	all := []field{}
	add := func(name string, there bool, value any) {
		if i := slices.IndexFunc(fields, func(f field) bool { return f.name == name }); i >= 0 {
			all = append(all, fields[i])
		} else if there {
			all = append(all, field{name, encoded(value)})
		}
	}
	add("verdict", e.Verdict != nil, e.Verdict)
	add("log", e.Log != nil, e.Log)
	add("calls", e.Calls != nil, e.Calls)
	add("documents", e.Documents != nil, e.Documents)
	add("end", e.End != nil, e.End)
	return all
}

// replacement puts a field in place of a key with its value.
func replacement(lines []string, key *ast.MappingValueNode, f field) (lineEdit, error) {
	at := key.Key.GetToken().Position
	text, err := written(at.Column-1, f)
	return lineEdit{at.Line - 1, endOf(lines, at.Line-1, at.Column-1), text}, err
}

// insertion puts fields behind the last key of a mapping.
func insertion(lines []string, last, first *ast.MappingValueNode, fields ...field) (lineEdit, error) {
	at := last.Key.GetToken().Position
	end := endOf(lines, at.Line-1, at.Column-1)
	text := ""
	for _, f := range fields {
		more, err := written(first.Key.GetToken().Position.Column-1, f)
		if err != nil {
			return lineEdit{}, err
		}
		text += more
	}
	return lineEdit{end, end, text}, nil
}

// endOf returns the line behind the value of a key that stands in a line with that indentation. Comments and empty
// lines behind it are not part of it.
func endOf(lines []string, at, indent int) int {
	end := at + 1
	for i := at + 1; i < len(lines); i++ {
		text := strings.TrimLeft(strings.TrimRight(lines[i], "\r\n"), " ")
		depth := len(strings.TrimRight(lines[i], "\r\n")) - len(text)
		switch {
		case text == "" || text[0] == '#':
			continue
		case depth > indent, depth == indent && strings.ContainsRune("-}]", rune(text[0])) && !strings.HasPrefix(text, "---"):
			end = i + 1
		default:
			return end
		}
	}
	return end
}

// written is a field as YAML lines of that indentation.
func written(indent int, f field) (string, error) {
	text, err := yamlText(object([]field{f}))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(" ", indent) + line)
	}
	return b.String(), nil
}
