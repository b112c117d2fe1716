package hooks

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The bounds of gaff.yaml, in bytes. The lexer's cost grows with the square of a line's length.
const (
	maxYAML     = 256 << 10
	maxYAMLLine = 8 << 10
)

// parse returns the one document of gaff.yaml, or nil after it has told why there is none.
func (l *loader) parse(source string) ast.Node {
	if len(source) > maxYAML {
		l.add(ProjectFile, 1, 1, "the file has %d bytes; at most %d are allowed", len(source), maxYAML)
		return nil
	}
	number := 0
	for line := range strings.Lines(source) {
		if number++; len(line) > maxYAMLLine {
			l.add(ProjectFile, number, 1, "the line has %d bytes; at most %d are allowed", len(line), maxYAMLLine)
			return nil
		}
	}
	file, err := parseYAML(source)
	if err != nil {
		line, col, message := 1, 1, err.Error()
		if bad, ok := errors.AsType[*yaml.SyntaxError](err); ok && bad.Token != nil {
			line, col, message = bad.Token.Position.Line, bad.Token.Position.Column, bad.Message
		}
		l.add(ProjectFile, line, col, "%s", firstLine(message))
		return nil
	}
	docs := slices.DeleteFunc(file.Docs, func(d *ast.DocumentNode) bool { return d.Body == nil })
	switch len(docs) {
	case 0:
		l.add(ProjectFile, 1, 1, "the file is empty: it must say which hooks and jobs there are")
		return nil
	case 1:
	default:
		l.at(docs[1].Body, "only one YAML document is allowed")
		return nil
	}
	l.anchors = map[string]ast.Node{}
	ast.Walk(visitor(func(n ast.Node) {
		if a, ok := n.(*ast.AnchorNode); ok {
			l.anchors[a.Name.GetToken().Value] = a.Value
		}
	}), docs[0].Body)
	return l.resolve(docs[0].Body)
}

// parseYAML keeps the parser, which recurses and is not ours, from ending the process.
func parseYAML(source string) (file *ast.File, err error) {
	defer func() {
		if v := recover(); v != nil {
			file, err = nil, fmt.Errorf("this YAML cannot be read")
		}
	}()
	tokens := lexer.Tokenize(source)
	if err := checkNesting(tokens); err != nil {
		return nil, err
	}
	return parser.Parse(tokens, 0)
}

// checkNesting bounds how deep brackets, and the dashes and tags of one line, can nest.
func checkNesting(tokens token.Tokens) error {
	depth, line, inLine := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, inLine = t.Position.Line, 0
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			depth++
		case token.MappingEndType, token.SequenceEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType, token.MappingValueType:
			inLine++
		}
		if depth > MaxDepth || depth == 0 && inLine > MaxDepth {
			return &yaml.SyntaxError{Message: fmt.Sprintf("nested deeper than %d", MaxDepth), Token: t}
		}
	}
	return nil
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// visitor calls a function for every node.
type visitor func(ast.Node)

func (v visitor) Visit(n ast.Node) ast.Visitor {
	v(n)
	return v
}

// resolve returns what stands behind anchors and aliases, or nil after it has told what is wrong.
func (l *loader) resolve(n ast.Node) ast.Node {
	for range MaxDepth {
		switch at := n.(type) {
		case *ast.AnchorNode:
			n = at.Value
		case *ast.AliasNode:
			name := at.Value.GetToken().Value
			target, ok := l.anchors[name]
			if !ok {
				l.at(at, "there is no anchor %.80q", name)
				return nil
			}
			n = target
		case *ast.TagNode:
			l.at(at, "tags such as %.80s are not allowed", at.Start.Value)
			return nil
		case nil:
			return nil
		default:
			return n
		}
	}
	l.at(n, "this alias leads back to itself")
	return nil
}

// at tells of a problem with the node.
func (l *loader) at(n ast.Node, format string, args ...any) {
	line, col := place(n)
	l.add(ProjectFile, line, col, format, args...)
}

// place returns where a node begins.
func place(n ast.Node) (line, col int) {
	var t *token.Token
	switch n := n.(type) {
	case nil:
	case *ast.MappingNode:
		if t = n.Start; len(n.Values) > 0 && !n.IsFlowStyle {
			t = n.Values[0].Key.GetToken()
		}
	case *ast.MappingValueNode:
		t = n.Key.GetToken()
	default:
		t = n.GetToken()
	}
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}

func mappingOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// setter reads the value of one key.
type setter func(n ast.Node)

// object is a mapping that was read: its own place, and the values of its keys.
type object struct {
	node   ast.Node
	values map[string]ast.Node
}

// value returns the value of a key, and whether there is one.
func (o object) value(key string) (ast.Node, bool) {
	n, ok := o.values[key]
	return n, ok
}

// at returns the value of a key, or the whole object if it has none: where to tell of a problem with it.
func (o object) at(key string) ast.Node {
	if n, ok := o.values[key]; ok {
		return n
	}
	return o.node
}

// object has each key's value read by its setter. A key without one is a problem.
func (l *loader) object(n ast.Node, what string, setters map[string]setter) object {
	o := object{n, map[string]ast.Node{}}
	pairs, ok := mappingOf(n)
	if !ok {
		l.at(n, "%s must be a mapping of %s", what, enumerate(slices.Sorted(maps.Keys(setters)), "and"))
		return o
	}
	for _, pair := range pairs {
		key := pair.Key.GetToken().Value
		set, known := setters[key]
		if !known {
			l.at(pair.Key, "unknown key %.80q%s", key, didYouMean(key, slices.Sorted(maps.Keys(setters))))
			continue
		}
		if value := l.resolve(pair.Value); value != nil {
			o.values[key] = value
			set(value)
		}
	}
	return o
}
