package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Kind is a technology of data services.
type Kind string

// The kinds of data services, which are also the schemes of their URLs.
const (
	Redis    Kind = "redis"
	Postgres Kind = "postgres"
	MySQL    Kind = "mysql"
)

// Builtins lists the operations that every service of a kind has.
func (k Kind) Builtins() []string {
	switch k {
	case Redis:
		return []string{"call", "pipeline", "multi"}
	case Postgres, MySQL:
		return []string{"query", "transaction"}
	}
	return nil
}

// Form says what the body of a method is.
type Form string

// The forms of methods. A built-in has no body.
const (
	Script  Form = "script"  // Lua on Redis, one SQL statement on the others
	Macro   Form = "macro"   // a list of commands or statements
	Builtin Form = "builtin" // one of [Kind.Builtins]
)

// Call is one call of a method.
type Call struct {
	Service  string
	Name     string // of the method; for a built-in which one
	Form     Form
	Body     string // the script; of a macro the list, as JSON
	Pipeline bool   // of a macro: each command for itself, rather than all or nothing
	Keys     int    // of a Lua script: how many leading args are keys, if the payload has no keys
	// Allowed are the commands (Redis) or first words of statements (SQL) that built-ins may use, in upper case; nil
	// stands for the usual ones. What is closed to methods stays closed.
	Allowed []string
	Payload json.RawMessage // of the caller
}

// payload is what callers of scripts and macros send.
type payload struct {
	Keys   []json.RawMessage `json:"keys"`
	Args   []json.RawMessage `json:"args"`
	Params []json.RawMessage `json:"params"`
}

// values are the parameters of a statement, or the arguments of a macro: args stand for params that are not there, and
// the other way round.
func (p *payload) values() []json.RawMessage {
	if p.Params != nil {
		return p.Params
	}
	return p.Args
}

func (p *payload) arguments() []json.RawMessage {
	if p.Args != nil {
		return p.Args
	}
	return p.Params
}

// read decodes a payload; nothing at all is an empty one. What names the fields that it may have.
func read(raw json.RawMessage, into any, what string) error {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("more follows")
	}
	reason := "it is not JSON"
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		reason = "it is a " + wrong.Value
		if wrong.Field != "" {
			reason = wrong.Field + " is a " + wrong.Value
		}
	} else if _, field, ok := strings.Cut(err.Error(), "unknown field "); ok {
		reason = "it has no field " + field
	}
	return errorf(BadRequest, "the payload must be %s: %s", what, reason)
}

// step is one command or statement of a macro, or of a built-in that takes several.
type step struct {
	Command string            `json:"command"`
	Args    []json.RawMessage `json:"args"`
	SQL     string            `json:"sql"`
	Params  []json.RawMessage `json:"params"`
}

// UnmarshalJSON also takes a command as a list, ["SET","a","1"].
func (s *step) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		if len(list) == 0 || json.Unmarshal(list[0], &s.Command) != nil {
			return &json.UnmarshalTypeError{Value: "list that does not begin with a command"}
		}
		s.Args = list[1:]
		return nil
	}
	type plain step
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(s))
}
