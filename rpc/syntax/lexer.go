package syntax

import (
	"strings"
	"unicode/utf8"
)

// Dialect says how SQL is written.
type Dialect int

// The dialects. They differ in placeholders, and in what ends a quoted text.
const (
	Postgres Dialect = iota // placeholders $1, $2, …
	MySQL                   // placeholders ?
)

// lexer walks through the words and placeholders of a SQL text; what is quoted or commented it skips.
type lexer struct {
	dialect Dialect
	text    string
	at      int
	open    string // the quote or comment that the text ends in, if so
	opened  int    // where it begins
	hidden  bool   // a comment is executed: /*! … */
}

// token is a word in upper case, a placeholder ($3, ?), or a character that means something: ( ) ;
type token struct {
	text  string
	start int
}

// next returns the next token; its text is empty at the end.
func (l *lexer) next() token {
	for l.at < len(l.text) {
		start := l.at
		switch c := l.text[l.at]; {
		case l.comment():
		case c == '\'' || c == '"' || c == '`' && l.dialect == MySQL:
			l.quoted(c, c != '`' && l.dialect == MySQL)
		case (c == 'e' || c == 'E') && l.dialect == Postgres && strings.HasPrefix(l.text[l.at+1:], "'"):
			l.at++
			l.quoted('\'', true)
		case c == '$' && l.dialect == Postgres:
			if t := l.dollar(); t != "" {
				return token{t, start}
			}
		case c == '?' && l.dialect == MySQL, c == '(', c == ')', c == ';':
			l.at++
			return token{l.text[start:l.at], start}
		case wordStart(c):
			return token{l.word(), start}
		case '0' <= c && c <= '9':
			l.word() // 1e5, 0x1f
		default:
			l.at++
		}
	}
	return token{"", l.at}
}

func wordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

// word returns the word that begins here, in upper case.
func (l *lexer) word() string {
	start := l.at
	for l.at < len(l.text) {
		if c := l.text[l.at]; !wordStart(c) && (c < '0' || c > '9') && c != '$' {
			break
		}
		l.at++
	}
	return strings.ToUpper(l.text[start:l.at])
}

// quoted skips a quoted text; a doubled quote stands for one, and so does one behind a backslash where that is known.
func (l *lexer) quoted(quote byte, backslash bool) {
	start := l.at
	for l.at++; l.at < len(l.text); l.at++ {
		switch c := l.text[l.at]; {
		case c == '\\' && backslash:
			l.at++
		case c != quote:
		case l.at+1 < len(l.text) && l.text[l.at+1] == quote:
			l.at++
		default:
			l.at++
			return
		}
	}
	l.at = len(l.text)
	l.open, l.opened = string(quote), start
}

// dollar returns the placeholder that begins here, or skips a text that is quoted by $tag$.
func (l *lexer) dollar() string {
	start := l.at
	end := start + 1
	for end < len(l.text) && '0' <= l.text[end] && l.text[end] <= '9' {
		end++
	}
	if end > start+1 {
		l.at = end
		return l.text[start:end]
	}
	for end < len(l.text) && (wordStart(l.text[end]) || end > start+1 && '0' <= l.text[end] && l.text[end] <= '9') {
		end++
	}
	if end == len(l.text) || l.text[end] != '$' {
		l.at++
		return ""
	}
	tag := l.text[start : end+1]
	length := strings.Index(l.text[end+1:], tag)
	if length < 0 {
		l.open, l.opened, l.at = tag, start, len(l.text)
		return ""
	}
	l.at = end + 1 + length + len(tag)
	return ""
}

// comment skips the comment that begins here, if one does. Those of PostgreSQL nest.
func (l *lexer) comment() bool {
	rest := l.text[l.at:]
	switch {
	case strings.HasPrefix(rest, "--") && (l.dialect == Postgres || len(rest) == 2 || rest[2] <= ' '),
		strings.HasPrefix(rest, "#") && l.dialect == MySQL:
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			l.at += end + 1
		} else {
			l.at = len(l.text)
		}
		return true
	case !strings.HasPrefix(rest, "/*"):
		return false
	case l.dialect == MySQL && (strings.HasPrefix(rest, "/*!") || strings.HasPrefix(rest, "/*M!")):
		l.hidden = true
	}
	start, depth := l.at, 0
	for l.at < len(l.text) {
		switch rest := l.text[l.at:]; {
		case strings.HasPrefix(rest, "/*") && (depth == 0 || l.dialect == Postgres):
			depth++
			l.at += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			l.at += 2
		default:
			l.at++
		}
		if depth == 0 {
			return true
		}
	}
	l.open, l.opened = "/*", start
	return true
}
