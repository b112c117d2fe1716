package syntax

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/parse"
)

// maxLuaNesting bounds how deep blocks and brackets of a Lua text may nest; Lua's own limit is 200.
const maxLuaNesting = 200

// CheckLua returns an [*Error] if the text is not Lua 5.1, as Redis runs it, or nil.
func CheckLua(text string) (err error) {
	if e := checkNesting(text); e != nil {
		return e
	}
	defer func() { // the parser is not ours, and what it reads comes from outside
		if recover() != nil {
			err = &Error{1, 1, "this Lua cannot be read"}
		}
	}()
	_, parseErr := parse.Parse(strings.NewReader(text), "")
	if parseErr == nil {
		return nil
	}
	bad, ok := errors.AsType[*parse.Error](parseErr)
	if !ok {
		return &Error{1, 1, parseErr.Error()}
	}
	message := bad.Message
	if bad.Token != "" {
		message = fmt.Sprintf("%s near %.40q", message, bad.Token)
	}
	line, col := bad.Pos.Line, bad.Pos.Column
	if line < 1 { // at the end of the text
		line, col = Place(text, len(text))
	}
	return &Error{line, cmp.Or(max(col, 0), 1), message}
}

// checkNesting is on the safe side: it counts brackets also where they are quoted.
func checkNesting(text string) error {
	depth, deepest := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{', '[':
			depth++
			deepest = max(deepest, depth)
		case ')', '}', ']':
			depth = max(depth-1, 0)
		}
		if deepest > 4*maxLuaNesting {
			line, col := Place(text, i)
			return &Error{line, col, fmt.Sprintf("brackets are nested deeper than %d", 4*maxLuaNesting)}
		}
	}
	return nil
}
