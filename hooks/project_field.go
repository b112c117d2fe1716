package hooks

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// text reads a string.
func (l *loader) text(s *string) setter {
	return func(n ast.Node) {
		if v, ok := l.scalar(n); ok {
			*s = v
		}
	}
}

// scalar returns a string that is not empty, or tells why there is none. Other scalars are refused rather than guessed
// at: yes and 08 mean one thing to an author and another to YAML.
func (l *loader) scalar(n ast.Node) (string, bool) {
	text := ""
	switch n := n.(type) {
	case *ast.StringNode:
		text = n.Value
	case *ast.LiteralNode:
		text = n.Value.Value
	case *ast.NullNode:
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		l.at(n, "this must be text: put %.80s in quotes", n.GetToken().Value)
		return "", false
	default:
		l.at(n, "this must be text")
		return "", false
	}
	if text == "" {
		l.at(n, "a value is missing here")
	}
	return text, text != ""
}

// name reads a name. An app or hook named 2024 need not be quoted.
func (l *loader) name(kind string, s *string) setter {
	return func(n ast.Node) {
		v := ""
		if i, ok := n.(*ast.IntegerNode); ok {
			v = i.Token.Value
		} else if v, ok = l.scalar(n); !ok {
			return
		}
		if !ValidName(v) {
			l.at(n, "%s name %.80q: use 1 to %d of A-Z a-z 0-9 _ -", kind, v, maxName)
			return
		}
		*s = v
	}
}

// service reads the name of a service, or "*".
func (l *loader) service(s *string) setter {
	return func(n ast.Node) {
		if v, ok := n.(*ast.StringNode); ok && v.Value == wildcard {
			*s = wildcard
			return
		}
		l.name("service", s)(n)
	}
}

// timeout reads a duration such as 500ms or 2s.
func (l *loader) timeout(d *time.Duration) setter {
	return func(n ast.Node) {
		switch n.(type) {
		case *ast.IntegerNode, *ast.FloatNode:
			l.at(n, "%.40s has no unit: write %.40ss for seconds", n.GetToken().Value, n.GetToken().Value)
			return
		}
		s, ok := l.scalar(n)
		if !ok {
			return
		}
		v, err := time.ParseDuration(s)
		switch {
		case err != nil:
			l.at(n, "%.40q is not a duration such as 500ms or 2s", s)
		case v < time.Millisecond || v > MaxTimeout:
			l.at(n, "timeout %s is out of bounds: 1ms to %.0fs are allowed", s, MaxTimeout.Seconds())
		default:
			*d = v
		}
	}
}

// order reads a whole number.
func (l *loader) order(i *int) setter {
	return func(n ast.Node) {
		node, ok := n.(*ast.IntegerNode)
		if ok {
			v, err := strconv.ParseInt(node.Token.Value, 0, 32)
			if *i = int(v); err == nil {
				return
			}
		}
		l.at(n, "order must be a whole number from %d to %d", math.MinInt32, math.MaxInt32)
	}
}

// flag reads true or false. Other spellings are refused: yes means one thing to an author and another to YAML.
func (l *loader) flag(key string, b *bool) setter {
	return func(n ast.Node) {
		v, ok := n.(*ast.BoolNode)
		if !ok {
			l.at(n, "%s must be true or false", key)
			return
		}
		*b = v.Value
	}
}

// oneOf reads one of a few words.
func oneOf[T ~string](l *loader, s *T, allowed ...T) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		if !slices.Contains(allowed, T(v)) {
			words := make([]string, len(allowed))
			for i, a := range allowed {
				words[i] = string(a)
			}
			l.at(n, "%.80q is not allowed here: use %s", v, enumerate(words, "or"))
			return
		}
		*s = T(v)
	}
}

// list reads a sequence, each of its values by read. Nothing at all is an empty one.
func (l *loader) list(what string, read setter) setter {
	return func(n ast.Node) {
		if _, ok := n.(*ast.NullNode); ok {
			return
		}
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			l.at(n, "%s must be a list", what)
			return
		}
		for _, item := range seq.Values {
			if v := l.resolve(item); v != nil {
				read(v)
			}
		}
	}
}

// words reads a list of distinct words that is not empty; check reads one of them.
func words[T ~string](l *loader, what string, to *[]T, check func(*T) setter) setter {
	return func(n ast.Node) {
		var got []T
		before := len(l.problems)
		l.list(what, func(n ast.Node) {
			var v T
			told := len(l.problems)
			check(&v)(n)
			switch {
			case len(l.problems) > told:
			case slices.Contains(got, v):
				l.at(n, "%.80q is named twice", string(v))
			default:
				got = append(got, v)
			}
		})(n)
		if len(got) == 0 && len(l.problems) == before {
			l.at(n, "%s must name at least one; leave the key away for the default", what)
		}
		*to = got
	}
}

// field reads the name of a message's field.
func (l *loader) field(s *string) setter {
	return func(n ast.Node) {
		if v, ok := l.scalar(n); ok {
			if *s = v; len(v) > 256 {
				l.at(n, "a field's name has at most 256 characters")
			}
		}
	}
}
