package hooks

import (
	"encoding/json"
	"path"
	"slices"
	"time"
)

// Method is a named operation of a service, which callers run by its name.
type Method struct {
	Service   string          `json:"service"`
	Name      string          `json:"name"`
	Kind      MethodKind      `json:"kind"`
	Script    string          `json:"script,omitempty"` // of kind script: .lua, .sql or JavaScript
	Keys      int             `json:"keys,omitempty"`   // of Lua: how many leading args of a call without keys are keys
	Mode      MethodMode      `json:"mode,omitempty"`   // of kind macro
	Body      json.RawMessage `json:"body,omitempty"`   // of kind macro: a list of {command, args} or of {sql, params}
	Timeout   time.Duration   `json:"timeout"`
	LastValue bool            `json:"lastValue,omitempty"` // of JavaScript: its last expression is the result; it has no function call
	Disabled  bool            `json:"disabled,omitempty"`
}

// MethodKind says what the body of a method is.
type MethodKind string

// A script is a file; a macro is a list of commands or statements.
const (
	MethodScript MethodKind = "script"
	MethodMacro  MethodKind = "macro"
)

// MethodMode says how the steps of a macro hang together.
type MethodMode string

// A transaction is all or nothing; in a pipeline each step stands for itself.
const (
	Transaction MethodMode = "transaction"
	Pipeline    MethodMode = "pipeline"
)

// ID names a method within an app: service.name.
func (m *Method) ID() string { return m.Service + "." + m.Name }

// javaScript reports whether the method is one that scripts of the app carry out, rather than a data service.
func (m *Method) javaScript() bool {
	return m.Kind == MethodScript && slices.Contains(scriptSuffixes(), path.Ext(m.Script))
}

// CallFunction is the function that a method's JavaScript defines.
const CallFunction = "call"

// redisBuiltins and sqlBuiltins are the operations that data services have by themselves. No method may take their
// names: clients offer both as functions of one object, where a method could never be reached.
func redisBuiltins() []string { return []string{"call", "pipeline", "multi"} }

func sqlBuiltins() []string { return []string{"query", "transaction"} }

// clientNames are names that clients need for themselves: hook calls a method by its name, and whatever has then is
// taken for a promise.
func clientNames() []string { return []string{"hook", "then"} }
