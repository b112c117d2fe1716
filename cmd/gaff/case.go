package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"gaff/hooks"
)

// testCase is one case of a project's tests: an event or a job, and what is expected to come of it.
type testCase struct {
	Name      string           `yaml:"name"`
	Event     *caseEvent       `yaml:"event"`
	Job       string           `yaml:"job"`
	Documents map[string][]raw `yaml:"documents"` // by collection: what is there before
	Answers   []caseAnswer     `yaml:"answers"`   // of host functions that leave the machine
	Expect    expectation      `yaml:"expect"`

	file  string
	index int // in its file
	line  int
}

// caseEvent is an event as authors write it.
type caseEvent struct {
	Service   string `yaml:"service" json:"service"`
	Operation string `yaml:"operation" json:"operation"`
	Phase     string `yaml:"phase" json:"phase"`
	ID        string `yaml:"id" json:"id"`
	Message   raw    `yaml:"message" json:"message"`
	Query     raw    `yaml:"query" json:"query"`
	Hint      raw    `yaml:"hint" json:"hint"`
	Key       string `yaml:"key" json:"key"`
	Original  raw    `yaml:"original" json:"original"`
	Result    raw    `yaml:"result" json:"result"`
	Error     raw    `yaml:"error" json:"error"`
	Headers   raw    `yaml:"headers" json:"headers"`
	Session   raw    `yaml:"session" json:"session"`
	Origin    string `yaml:"origin" json:"origin"`
	Depth     int    `yaml:"depth" json:"depth"`
	Context   raw    `yaml:"context" json:"context"`
}

// expectation is what a case compares; what it does not name is not compared.
type expectation struct {
	Verdict   raw              `yaml:"verdict"`
	Log       []string         `yaml:"log"`
	Calls     *[]expectedCall  `yaml:"calls"`
	Documents map[string][]raw `yaml:"documents"`
	End       *string          `yaml:"end"`
}

// expectedCall is one call that a script is expected to make.
type expectedCall struct {
	Name   raw `yaml:"name" json:"name,omitempty"`
	Args   raw `yaml:"args" json:"args,omitempty"`
	Result raw `yaml:"result" json:"result,omitempty"`
	Error  raw `yaml:"error" json:"error,omitempty"`
}

// empty reports whether nothing is expected yet.
func (e *expectation) empty() bool {
	return e.Verdict == nil && e.Log == nil && e.Calls == nil && e.Documents == nil && e.End == nil
}

// raw is any value as JSON, its keys in the order in which they were written; nil if there is none.
type raw json.RawMessage

// UnmarshalYAML is called by the YAML decoder.
func (r *raw) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	b, err := appendValue(nil, v)
	*r = b
	return err
}

// UnmarshalJSON is called by the JSON decoder.
func (r *raw) UnmarshalJSON(b []byte) error {
	*r = bytes.Clone(b)
	return nil
}

// MarshalJSON is called by the JSON encoder.
func (r raw) MarshalJSON() ([]byte, error) { return json.RawMessage(r).MarshalJSON() }

// message returns the value as a field of a payload.
func (r raw) message() json.RawMessage {
	if string(r) == "null" {
		return nil
	}
	return json.RawMessage(r)
}

// appendValue appends what the YAML decoder has made of a value.
func appendValue(dst []byte, v any) ([]byte, error) {
	var err error
	switch v := v.(type) {
	case yaml.MapSlice:
		dst = append(dst, '{')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			key, err := json.Marshal(fmt.Sprint(item.Key))
			if err != nil {
				return nil, err
			}
			if dst, err = appendValue(append(append(dst, key...), ':'), item.Value); err != nil {
				return nil, err
			}
		}
		return append(dst, '}'), nil
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = appendValue(dst, item); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	b, err := json.Marshal(v)
	return append(dst, b...), err
}

// readCases reads a file of cases: one case or a list of them. The error is a [hooks.ProjectError].
func readCases(file, source string) ([]testCase, error) {
	tree, err := parser.ParseBytes([]byte(source), 0)
	if err != nil {
		return nil, yamlProblem(file, err)
	}
	if len(tree.Docs) == 0 || tree.Docs[0].Body == nil {
		return nil, problemAt(file, 1, 1, "the file is empty: a case has event or job, and expect")
	}
	var cases []testCase
	var nodes []ast.Node
	body := tree.Docs[0].Body
	if list, ok := body.(*ast.SequenceNode); ok {
		nodes = list.Values
		err = decodeYAML(source, &cases)
	} else {
		nodes, cases = []ast.Node{body}, make([]testCase, 1)
		err = decodeYAML(source, &cases[0])
	}
	if err != nil {
		return nil, yamlProblem(file, err)
	}
	var problems []hooks.Problem
	for i := range cases {
		c := &cases[i]
		c.file, c.index, c.line = file, i, lineOf(nodes[i])
		if c.Name == "" {
			c.Name = strings.TrimSuffix(strings.TrimSuffix(file[strings.LastIndex(file, "/")+1:], ".yaml"), ".yml")
			if i > 0 {
				c.Name = fmt.Sprintf("%s (%d)", c.Name, i+1)
			}
		}
		if err := c.check(); err != nil {
			problems = append(problems, hooks.Problem{File: file, Line: c.line, Col: 1, Message: err.Error()})
		}
	}
	if problems != nil {
		return nil, &hooks.ProjectError{Problems: problems}
	}
	return cases, nil
}

func decodeYAML(source string, to any) error {
	return yaml.NewDecoder(strings.NewReader(source), yaml.Strict(), yaml.UseOrderedMap()).Decode(to)
}

func (c *testCase) check() error {
	switch {
	case c.Event == nil && c.Job == "":
		return errors.New("a case needs event or job")
	case c.Event != nil && c.Job != "":
		return errors.New("a case has event or job, not both")
	case c.Event != nil && (c.Event.Service == "" || c.Event.Operation == ""):
		return errors.New("the event needs service and operation")
	case c.Event != nil:
		if err := c.Event.check(); err != nil {
			return err
		}
	}
	for i, text := range c.Expect.Log {
		if err := checkPattern(text); err != nil {
			return fmt.Errorf("expect.log[%d]: %w", i, err)
		}
	}
	if c.Expect.End != nil {
		if err := checkPattern(*c.Expect.End); err != nil {
			return fmt.Errorf("expect.end: %w", err)
		}
	}
	return nil
}

// check looks at the words of an event; the empty ones have defaults.
func (e *caseEvent) check() error {
	if e.Phase != "" && !hooks.Phase(e.Phase).Valid() {
		return fmt.Errorf("the event's phase %q: use before, after or failed", e.Phase)
	}
	switch hooks.Origin(e.Origin) {
	case "", hooks.Client, hooks.Script, hooks.S2S:
	default:
		return fmt.Errorf("the event's origin %q: use client, script or s2s", e.Origin)
	}
	for kind, name := range map[string]string{"service": e.Service, "operation": e.Operation} {
		if name == "" {
			continue
		}
		if err := hooks.CheckName(kind, name); err != nil {
			return err
		}
	}
	return nil
}

// event is the event for the hooks of an app.
func (e *caseEvent) event(app string) *hooks.Event {
	phase := hooks.Phase(e.Phase)
	if phase == "" {
		phase = hooks.Before
	}
	return &hooks.Event{
		App: app, Service: e.Service, Operation: e.Operation, Phase: phase,
		Payload: hooks.Payload{
			ID: e.ID, Message: e.Message.message(), Query: e.Query.message(), Hint: e.Hint.message(), Key: e.Key,
			Original: e.Original.message(), Result: e.Result.message(), Error: e.Error.message(),
			Headers: e.Headers.message(), Session: e.Session.message(), Origin: hooks.Origin(e.Origin), Depth: e.Depth,
			Context: e.Context.message(),
		},
	}
}

// yamlProblem says what is wrong with a file and where.
func yamlProblem(file string, err error) error {
	bad, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return problemAt(file, 1, 1, err.Error())
	}
	line, col := 1, 1
	if t := bad.GetToken(); t != nil && t.Position != nil {
		line, col = t.Position.Line, t.Position.Column
	}
	return problemAt(file, line, col, strings.Replace(bad.GetMessage(), "unknown field", "unknown key", 1))
}

func problemAt(file string, line, col int, message string) error {
	return &hooks.ProjectError{Problems: []hooks.Problem{{File: file, Line: line, Col: col, Message: message}}}
}

// lineOf returns the line in which a node begins.
func lineOf(n ast.Node) int {
	switch n := n.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return n.Values[0].Key.GetToken().Position.Line
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken().Position.Line
	}
	return n.GetToken().Position.Line
}
