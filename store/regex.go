package store

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
)

// Bounds of a regular expression, in bytes of its text and instructions of its program.
const (
	maxPattern     = 1000
	maxInstruction = 2000
)

// parseRegex reads a pattern in Go's syntax (RE2) for both stores, so that it means the same on both. PostgreSQL gets
// it spelled out: its own \w, \b and case folding depend on the server's locale.
func parseRegex(pattern, options string) (like, error) {
	if len(pattern) > maxPattern {
		return like{}, fmt.Errorf("the pattern has more than %d bytes", maxPattern)
	}
	if options != "" {
		pattern = "(?" + options + ")" + pattern
	}
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		var reason *syntax.Error
		if errors.As(err, &reason) {
			return like{}, fmt.Errorf("%s in the pattern", reason.Code)
		}
		return like{}, errors.New("the pattern is not valid")
	}
	tree = tree.Simplify()
	program, err := syntax.Compile(tree)
	if err != nil || len(program.Inst) > maxInstruction {
		return like{}, errors.New("the pattern is too large")
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return like{}, errors.New("the pattern is not valid")
	}
	var b strings.Builder
	writeRegex(&b, tree)
	return like{regex: compiled, pattern: b.String()}, nil
}

const (
	isWord    = `[0-9A-Za-z_]`
	wordStart = `(?<!` + isWord + `)(?=` + isWord + `)`
	wordEnd   = `(?<=` + isWord + `)(?!` + isWord + `)`
)

// spelled returns a part of a pattern that consists of nothing else.
func spelled(op syntax.Op) string {
	switch op {
	case syntax.OpEmptyMatch:
		return `(?:)`
	case syntax.OpAnyCharNotNL:
		return `[^\u000A]`
	case syntax.OpAnyChar:
		return `.`
	case syntax.OpBeginText:
		return `\A`
	case syntax.OpEndText:
		return `\Z`
	case syntax.OpBeginLine:
		return `(?:\A|(?<=\u000A))`
	case syntax.OpEndLine:
		return `(?:\Z|(?=\u000A))`
	case syntax.OpWordBoundary:
		return `(?:` + wordStart + `|` + wordEnd + `)`
	case syntax.OpNoWordBoundary:
		return `(?:(?<!` + isWord + `)(?!` + isWord + `)|(?<=` + isWord + `)(?=` + isWord + `))`
	}
	return `(?:\Zx\A)` // OpNoMatch: nothing is after the end
}

// writeRegex writes a simplified tree as an advanced regular expression of PostgreSQL.
func writeRegex(b *strings.Builder, re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			writeLiteral(b, r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		b.WriteByte('[')
		for i := 0; i < len(re.Rune); i += 2 {
			if hi := re.Rune[i+1]; hi > 0 {
				fmt.Fprintf(b, `\U%08X-\U%08X`, max(re.Rune[i], 1), hi)
			}
		}
		b.WriteByte(']')
	case syntax.OpConcat, syntax.OpCapture, syntax.OpAlternate:
		b.WriteString("(?:")
		for i, sub := range re.Sub {
			if i > 0 && re.Op == syntax.OpAlternate {
				b.WriteByte('|')
			}
			writeRegex(b, sub)
		}
		b.WriteByte(')')
	case syntax.OpStar:
		writeRepeated(b, re.Sub[0], '*')
	case syntax.OpPlus:
		writeRepeated(b, re.Sub[0], '+')
	case syntax.OpQuest:
		writeRepeated(b, re.Sub[0], '?')
	default:
		b.WriteString(spelled(re.Op))
	}
}

func writeRepeated(b *strings.Builder, re *syntax.Regexp, quantifier byte) {
	b.WriteString("(?:")
	writeRegex(b, re)
	b.WriteByte(')')
	b.WriteByte(quantifier)
}

// writeLiteral writes a character, or the class of its cases.
func writeLiteral(b *strings.Builder, r rune, fold bool) {
	if !fold {
		fmt.Fprintf(b, `\U%08X`, r)
		return
	}
	fmt.Fprintf(b, `[\U%08X`, r)
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		fmt.Fprintf(b, `\U%08X`, other)
	}
	b.WriteByte(']')
}
