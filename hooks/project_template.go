package hooks

import (
	"errors"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"gaff/script"
)

// templates checks settings.template, which template() of scripts uses: helpers, by a file or as texts, and partials. Other
// keys, and a template that is no mapping, are settings like any other.
func (l *loader) templates(settings ast.Node) {
	template := l.child(settings, "template")
	if helpers := l.child(template, "helpers"); helpers != nil {
		if file, ok := scalarText(helpers); ok {
			l.settingProblems(helpers, script.CheckHelpers(l.files, file))
		} else {
			l.eachText(helpers, "helpers is the path of a file, or a mapping of names to functions as text", script.CheckHelper)
		}
	}
	if partials := l.child(template, "partials"); partials != nil {
		l.eachText(partials, "partials is a mapping of names to templates, or to paths that begin with ./", func(text string) error {
			return script.CheckPartial(l.files, text)
		})
	}
}

// child returns the value of a key, nil if n is no mapping or has no such key.
func (l *loader) child(n ast.Node, key string) ast.Node {
	pairs, _ := mappingOf(n)
	for _, pair := range pairs {
		if pair.Key.GetToken().Value == key {
			return l.resolve(pair.Value)
		}
	}
	return nil
}

// eachText checks the texts of a mapping.
func (l *loader) eachText(n ast.Node, what string, check func(string) error) {
	pairs, ok := mappingOf(n)
	if !ok {
		l.at(n, "settings.template.%s", what)
		return
	}
	for _, pair := range pairs {
		value := l.resolve(pair.Value)
		if text, ok := scalarText(value); ok {
			l.settingProblems(value, check(text))
		} else if value != nil {
			l.at(value, "settings.template.%s", what)
		}
	}
}

func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// textPlace returns where the text of a scalar begins.
func textPlace(n ast.Node) (line, col int) {
	line, col = place(n)
	switch {
	case n.Type() == ast.LiteralType:
		return line + 1, 1 // the text of a block begins below its mark
	case n.GetToken().Type == token.SingleQuoteType, n.GetToken().Type == token.DoubleQuoteType:
		col++
	}
	return line, col
}

// settingProblems tells of the problems of a text of gaff.yaml, or of the file that it names.
func (l *loader) settingProblems(n ast.Node, err error) {
	bad, ok := errors.AsType[*script.CompileError](err)
	if !ok {
		return
	}
	line, col := textPlace(n)
	for _, p := range bad.Problems {
		switch {
		case p.File != "":
			l.add(p.File, max(p.Line, 1), max(p.Col, 1), "%s", p.Message)
		case p.Line == 0:
			l.at(n, "%s", p.Message)
		case p.Line == 1:
			l.add(ProjectFile, line, col+max(p.Col, 1)-1, "%s", p.Message)
		case n.Type() == ast.LiteralType:
			l.add(ProjectFile, line+p.Line-1, max(p.Col, 1), "%s", p.Message)
		default: // a quoted text has its lines elsewhere
			l.at(n, "line %d of the text: %s", p.Line, p.Message)
		}
	}
}
