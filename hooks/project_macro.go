package hooks

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gaff/rpc/syntax"
)

// methodStep is one step of a macro.
type methodStep struct {
	Command string            `json:"command,omitempty"`
	Args    []json.RawMessage `json:"args,omitempty"`
	SQL     string            `json:"sql,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
}

// macroSlot is a placeholder of a macro.
var macroSlot = regexp.MustCompile(`\{\d{1,4}\}`)

// maxSteps is how many steps a macro may have.
const maxMacroSteps = 1000

// macroBody reads the steps of a macro.
func (l *loader) macroBody(steps *[]methodStep) setter {
	return func(n ast.Node) {
		before := len(l.problems)
		l.list("body", func(n ast.Node) { *steps = append(*steps, l.macroStep(n)) })(n)
		switch {
		case len(l.problems) > before:
		case len(*steps) == 0:
			l.at(n, "a macro needs at least one step")
		case len(*steps) > maxMacroSteps:
			l.at(n, "a macro has at most %d steps", maxMacroSteps)
		}
	}
}

func (l *loader) macroStep(n ast.Node) methodStep {
	s := methodStep{}
	o := l.object(n, "a step", map[string]setter{
		"command": l.text(&s.Command), "args": l.jsonList("args", &s.Args),
		"sql": l.text(&s.SQL), "params": l.jsonList("params", &s.Params),
	})
	if _, ok := mappingOf(n); !ok {
		return s // told
	}
	command, isCommand := o.value("command")
	sql, isSQL := o.value("sql")
	switch {
	case isCommand == isSQL:
		l.at(n, "a step is either a command with args or sql with params")
	case isCommand:
		l.macroCommand(o, command, &s)
	default:
		l.macroSQL(o, sql, &s)
	}
	return s
}

func (l *loader) macroCommand(o object, at ast.Node, s *methodStep) {
	if params, ok := o.value("params"); ok {
		l.at(params, "a command has args, not params")
	}
	if s.Command == "" {
		return // told
	}
	if _, open := syntax.RedisCommand(s.Command); !open {
		l.at(at, "the command %.40q is not open to methods", s.Command)
	}
	s.Command = strings.ToUpper(s.Command)
}

func (l *loader) macroSQL(o object, at ast.Node, s *methodStep) {
	if args, ok := o.value("args"); ok {
		l.at(args, "a statement has params, not args")
	}
	if s.SQL == "" {
		return // told
	}
	if slot := macroSlot.FindString(s.SQL); slot != "" {
		l.at(at, "%s cannot stand in the SQL text: write $1 or ?, and %s in params", slot, slot)
		return
	}
	known, err := syntax.CheckSQL(s.SQL)
	switch {
	case err != nil:
		l.at(at, "the SQL cannot be taken: %s", err)
	case known.Controls():
		l.at(at, "%s cannot stand in a macro, whose mode says how its steps hang together", known.Verb)
	case known.Params != len(s.Params):
		l.at(at, "the statement has %d placeholders, and params has %d values", known.Params, len(s.Params))
	}
}

// jsonList reads a list of values.
func (l *loader) jsonList(what string, to *[]json.RawMessage) setter {
	return l.list(what, func(n ast.Node) {
		var value json.RawMessage
		l.json(&value)(n)
		*to = append(*to, value)
	})
}
