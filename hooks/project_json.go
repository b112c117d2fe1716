package hooks

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxJSONNodes bounds what aliases, which may name each other, can blow settings or params up to.
const maxJSONNodes = 100_000

// errTold means that the problem with a value has been told.
var errTold = errors.New("told")

// json reads any value that JSON can express, keys in their order.
func (l *loader) json(to *json.RawMessage) setter {
	return func(n ast.Node) {
		if b, err := l.appendJSON(nil, n, 0); err == nil {
			*to = b
		}
	}
}

func (l *loader) appendJSON(dst []byte, n ast.Node, depth int) ([]byte, error) {
	l.nodes++
	switch {
	case depth > MaxDepth:
		l.at(n, "nested deeper than %d", MaxDepth)
		return nil, errTold
	case l.nodes > maxJSONNodes || len(dst) > MaxFileSize:
		l.at(n, "settings and params are too large")
		return nil, errTold
	}
	if n = l.resolve(n); n == nil {
		return nil, errTold
	}
	if pairs, ok := mappingOf(n); ok {
		return l.appendObject(dst, pairs, depth)
	}
	switch n := n.(type) {
	case *ast.SequenceNode:
		return l.appendArray(dst, n.Values, depth)
	case *ast.NullNode:
		return append(dst, "null"...), nil
	case *ast.StringNode:
		l.reference(n, n.Value)
		return appendString(dst, n.Value), nil
	case *ast.LiteralNode:
		l.reference(n, n.Value.Value)
		return appendString(dst, n.Value.Value), nil
	case *ast.BoolNode:
		return append(dst, mustMarshal(n.Value)...), nil
	case *ast.IntegerNode:
		return append(dst, mustMarshal(n.Value)...), nil
	case *ast.FloatNode:
		if b, err := json.Marshal(n.Value); err == nil {
			return append(dst, b...), nil
		}
	}
	l.at(n, "JSON has no such value")
	return nil, errTold
}

func (l *loader) appendObject(dst []byte, pairs []*ast.MappingValueNode, depth int) ([]byte, error) {
	dst = append(dst, '{')
	for i, pair := range pairs {
		if pair.Key.IsMergeKey() {
			l.at(pair.Key, "merge keys (<<) are not allowed")
			return nil, errTold
		}
		if l.referring && strings.Contains(pair.Key.GetToken().Value, secretMark) {
			l.at(pair.Key, "a key cannot refer to a secret")
			return nil, errTold
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, pair.Key.GetToken().Value), ':')
		var err error
		if dst, err = l.appendJSON(dst, pair.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func (l *loader) appendArray(dst []byte, values []ast.Node, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = l.appendJSON(dst, v, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}
