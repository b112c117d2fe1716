package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// Statement is what is known of one SQL statement.
type Statement struct {
	Verb   string          // its first word, in upper case
	Words  map[string]bool // every word that is neither quoted nor commented, in upper case
	Params int             // how many parameters it takes
	Hidden bool            // it has a comment that MySQL executes
}

// maxParams is as many parameters as both protocols can carry.
const maxParams = 65535

// Error is what is wrong with a body, where its author can find it.
type Error struct {
	Line, Col int // from 1
	Message   string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// ParseSQL reads a text that must be exactly one statement; a semicolon may stand at its end. The error is an [*Error].
func ParseSQL(text string, dialect Dialect) (Statement, error) {
	l := &lexer{dialect: dialect, text: text}
	s := Statement{Words: map[string]bool{}}
	ended := false
	for {
		t := l.next()
		switch {
		case t.text == "" && l.open != "":
			return s, l.wrong(l.opened, "%s is not closed", l.open)
		case t.text == "" && len(s.Words) == 0:
			return s, l.wrong(0, "there is no statement")
		case t.text == "":
			s.Hidden = l.hidden
			return s, nil
		case t.text == ";":
			ended = len(s.Words) > 0
		case ended:
			return s, l.wrong(t.start, "a second statement begins here: one text is one statement")
		case t.text == "?":
			s.Params++
		case t.text[0] == '$':
			n, err := strconv.Atoi(t.text[1:])
			if err != nil || n < 1 || n > maxParams {
				return s, l.wrong(t.start, "%.20s is not a placeholder: they are $1 to $%d", t.text, maxParams)
			}
			s.Params = max(s.Params, n)
		case wordStart(t.text[0]):
			if len(s.Words) == 0 {
				s.Verb = t.text
			}
			s.Words[t.text] = true
		}
	}
}

// CheckSQL reads a statement whose server is not known yet: it must be one in one of the dialects.
func CheckSQL(text string) (Statement, error) {
	s, err := ParseSQL(text, Postgres)
	if err == nil && s.Params > 0 {
		return s, nil
	}
	other, otherErr := ParseSQL(text, MySQL)
	switch {
	case otherErr == nil && (err != nil || other.Params > 0):
		return other, nil
	case err != nil:
		return s, err
	}
	return s, nil
}

func (l *lexer) wrong(at int, format string, args ...any) *Error {
	line, col := Place(l.text, at)
	return &Error{line, col, fmt.Sprintf(format, args...)}
}

// Place returns the line and column, from 1, of a byte of a text.
func Place(text string, at int) (line, col int) {
	before := text[:min(at, len(text))]
	return strings.Count(before, "\n") + 1, len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
}

// Reads reports whether the statement, by its form, changes nothing and locks nothing. A function that it calls may.
func (s *Statement) Reads() bool {
	switch s.Verb {
	case "SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC":
		return !s.Words["INTO"] && !s.Words["UPDATE"] && !s.Words["SHARE"] && !s.Words["ANALYZE"]
	case "WITH":
		return !s.any("INSERT", "UPDATE", "DELETE", "MERGE", "INTO", "SHARE")
	}
	return false
}

// ReturnsRows reports whether the statement, by its form, answers with rows rather than with a number.
func (s *Statement) ReturnsRows() bool {
	switch s.Verb {
	case "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE":
		return s.Words["RETURNING"]
	}
	return true
}

// Controls reports whether the statement begins or ends a transaction, which inside one would break it up.
func (s *Statement) Controls() bool {
	switch s.Verb {
	case "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE", "XA":
		return true
	case "SET":
		return s.any("TRANSACTION", "AUTOCOMMIT")
	}
	return false
}

// Commits reports whether MySQL, by the statement's form, commits what was before it in a transaction.
func (s *Statement) Commits() bool {
	switch s.Verb {
	case "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "LOCK", "UNLOCK", "ANALYZE", "OPTIMIZE",
		"REPAIR", "CHECK", "CACHE", "FLUSH", "RESET", "INSTALL", "UNINSTALL", "LOAD":
		return true
	}
	return false
}

func (s *Statement) any(words ...string) bool {
	for _, w := range words {
		if s.Words[w] {
			return true
		}
	}
	return false
}
