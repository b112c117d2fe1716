package script

import (
	"context"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// variables are what a condition may use, each with how it is built.
var variables = []struct {
	name  string
	build func(*machine) goja.Value
}{
	{"message", func(m *machine) goja.Value { return m.value(textOf(m.run.call.Request.Body)) }},
	{"query", func(m *machine) goja.Value { return m.value(orEmpty(m.run.call.Request.Query)) }},
	{"hint", (*machine).hint},
	{"original", func(m *machine) goja.Value { return m.value(textOf(m.run.call.Request.Original)) }},
	{"result", func(m *machine) goja.Value { return m.value(textOf(m.run.call.Request.Result)) }},
	{"error", func(m *machine) goja.Value { return m.value(textOf(m.run.call.Request.Error)) }},
	{"headers", (*machine).headers},
	{"session", func(m *machine) goja.Value { return m.value(orEmpty(m.run.call.Request.Session)) }},
	{"params", func(m *machine) goja.Value { return m.value(orEmpty(m.run.call.Request.Params)) }},
	{"key", (*machine).key},
	{"origin", func(m *machine) goja.Value { return m.js.ToValue(m.run.call.Request.Event.Origin) }},
	{"operation", func(m *machine) goja.Value { return m.js.ToValue(m.run.call.Request.Event.Operation) }},
	{"service", func(m *machine) goja.Value { return m.js.ToValue(m.run.call.Request.Event.Service) }},
	{"phase", func(m *machine) goja.Value { return m.js.ToValue(m.run.call.Request.Event.Phase) }},
}

// CompileExpr prepares a condition: one JavaScript expression over the event's fields as variables: message, query,
// hint, original, result, error, headers, session, params, key, origin, operation, service, phase. file and line say
// where it is written. The error is a [*CompileError].
func CompileExpr(source, file string, line int) (*Program, error) {
	p := &Program{modules: map[string]*module{}, entries: map[string]*goja.Program{}}
	m := &module{path: file, source: source, requires: map[string]string{}}
	text := strings.Repeat("\n", max(line-1, 0)) + source
	if err := m.parse(text, nil); err != nil {
		return nil, compileError(m.problemsOf(err, nil))
	}
	if len(m.tree.Body) != 1 {
		return nil, compileError([]Problem{{file, max(line, 1), 1, "a condition is one expression"}})
	}
	expression, ok := m.tree.Body[0].(*ast.ExpressionStatement)
	if !ok {
		return nil, compileError([]Problem{{file, max(line, 1), 1, "a condition is an expression, not a statement"}})
	}
	p.main, p.modules[file] = m, m
	m.params = nil
	for i, v := range variables {
		if m.scan.free[v.name] {
			m.params = append(m.params, v.name)
			p.exprVars = append(p.exprVars, i)
		}
	}
	p.classify()
	m.tree.Body = nil
	var err error
	if m.compiled, err = goja.CompileAST(m.wrap(expression.Expression), false); err != nil {
		return nil, compileError(m.problemsOf(err, nil))
	}
	return p, nil
}

// TestHere evaluates a condition of [CompileExpr] over the request of c, as [Engine.RunHere] runs a function, and reports
// whether it is truthy. The error is an [*Error].
func (e *Engine) TestHere(ctx context.Context, p *Program, c *Call, late func(error)) (holds bool, err error, ok bool) {
	test := &Call{Deadline: c.Deadline, Request: c.Request, Settings: c.Settings}
	res, ok := e.RunHere(ctx, p, test, func(res Result) { late(res.Err) })
	if !ok || res.Err == nil {
		holds, _ = res.Answer.Bool()
		return holds, nil, ok
	}
	return false, res.Err, true
}

// isExpr reports whether the program is a condition.
func (p *Program) isExpr() bool { return p.files == nil }

// test evaluates a condition; the answer is true or false.
func (r *run) test() {
	call, err := r.m.wrapper(r.prog.main.compiled)
	if err != nil {
		r.fail(err)
		return
	}
	args := make([]goja.Value, 0, 4)
	r.guard(func() {
		for _, i := range r.prog.exprVars {
			args = append(args, variables[i].build(r.m))
		}
	})
	if r.failure != nil {
		return
	}
	v, err := call(goja.Undefined(), args...)
	if err != nil {
		r.fail(err)
		return
	}
	r.answer.Raw, r.answered = []byte("false"), true
	if v.ToBoolean() {
		r.answer.Raw = []byte("true")
	}
}
