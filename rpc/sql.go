package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"gaff/rpc/syntax"
)

// batch is what a call has a database do: one statement, or several, together or each for itself.
type batch struct {
	kind   Kind
	steps  []sqlStep
	single bool // the result is that of the one statement, rather than a list
	whole  bool // all or nothing
	reads  bool // only what changes nothing is allowed, and so is the transaction
	once   bool // the statements will hardly come again: they are not kept prepared

	inside bool // a transaction, which undoes what fails
}

// sqlStep is one statement with the values of its parameters.
type sqlStep struct {
	sql       string
	statement *syntax.Statement
	params    []json.RawMessage
}

// sqlRun carries out statements on one connection.
type sqlRun interface {
	begin(ctx context.Context, readOnly bool) error
	commit(ctx context.Context) error
	rollback(ctx context.Context)
	// execute appends the statement's result.
	execute(ctx context.Context, s *sqlStep, dst []byte) ([]byte, error)
}

// do carries out the batch.
func (b *batch) do(ctx context.Context, run sqlRun) (out []byte, err error) {
	if b.whole || b.single && b.risky() {
		if err := run.begin(ctx, b.reads); err != nil {
			return nil, err
		}
		b.inside = true
		if out, err = b.all(ctx, run); err != nil {
			run.rollback(ctx)
			return nil, err
		}
		return out, run.commit(ctx)
	}
	return b.all(ctx, run)
}

// risky reports whether a statement might have changed something before its answer turns out to be too large.
func (b *batch) risky() bool {
	s := b.steps[0].statement
	return !s.Reads() && !s.Commits() && s.ReturnsRows()
}

func (b *batch) all(ctx context.Context, run sqlRun) ([]byte, error) {
	if b.single {
		return run.execute(ctx, &b.steps[0], nil)
	}
	out := []byte{'['}
	for i := range b.steps {
		if i > 0 {
			out = append(out, ',')
		}
		var err error
		if out, err = run.execute(ctx, &b.steps[i], out); err == nil {
			continue
		}
		e, ok := errors.AsType[*Error](err)
		if b.whole || !ok || ctx.Err() != nil || e.Code == Unavailable {
			return nil, inStep(err, i)
		}
		out = appendError(out, e)
	}
	return append(out, ']'), nil
}

// sqlBatch reads a call of a method of a database.
func sqlBatch(b *bodies, kind Kind, c *Call) (*batch, error) {
	switch c.Form {
	case Script:
		return scriptBatch(b, kind, c)
	case Macro:
		return macroBatch(b, kind, c)
	}
	return builtinBatch(kind, c)
}

func dialect(k Kind) syntax.Dialect {
	if k == MySQL {
		return syntax.MySQL
	}
	return syntax.Postgres
}

// parse analyses a text of the author's.
func parse(b *bodies, kind Kind, sql string) (*syntax.Statement, error) {
	return body(b, kind, &Call{Form: Script, Body: sql}, func() (*syntax.Statement, error) {
		s, err := syntax.ParseSQL(sql, dialect(kind))
		if err != nil {
			return nil, errorf(ServiceError, "the method's SQL: %s", err.Error())
		}
		return &s, nil
	})
}

func scriptBatch(b *bodies, kind Kind, c *Call) (*batch, error) {
	s, err := parse(b, kind, c.Body)
	if err != nil {
		return nil, err
	}
	p := payload{}
	if err := read(c.Payload, &p, `{"params"}`); err != nil {
		return nil, err
	}
	if p.Keys != nil {
		return nil, errorf(BadRequest, "an SQL method takes params, not keys")
	}
	step := sqlStep{c.Body, s, p.values()}
	return &batch{kind: kind, single: true, steps: []sqlStep{step}}, step.check(kind)
}

// check returns an error unless there are as many values as the statement has parameters.
func (s *sqlStep) check(kind Kind) error {
	if len(s.params) == s.statement.Params {
		return nil
	}
	e := errorf(BadRequest, "the statement takes %d params, and the call has %d", s.statement.Params, len(s.params))
	switch {
	case s.statement.Params > 0 || len(s.params) == 0:
	case kind == Postgres && strings.Contains(s.sql, "?"):
		e.Message += " (placeholders of PostgreSQL are $1, $2, …)"
	case kind == MySQL && strings.Contains(s.sql, "$1"):
		e.Message += " (placeholders of MySQL are ?)"
	}
	return e
}

func macroBatch(b *bodies, kind Kind, c *Call) (*batch, error) {
	steps, err := body(b, kind, c, func() ([]step, error) { return parseMacro(c.Body) })
	if err != nil {
		return nil, err
	}
	p := payload{}
	if err := read(c.Payload, &p, `{"args"}`); err != nil {
		return nil, err
	}
	made := &batch{kind: kind, whole: !c.Pipeline, steps: make([]sqlStep, len(steps))}
	for i := range steps {
		s, err := parse(b, kind, steps[i].SQL)
		if err != nil {
			return nil, inStep(err, i)
		}
		params, err := filled(steps[i].Params, p.arguments())
		if err != nil {
			return nil, inStep(err, i)
		}
		made.steps[i] = sqlStep{steps[i].SQL, s, params}
		if err := made.check(i); err != nil {
			return nil, inStep(err, i)
		}
	}
	return made, nil
}

// check refuses a statement that cannot be part of the batch.
func (b *batch) check(i int) error {
	s := &b.steps[i]
	switch {
	case b.whole && s.statement.Controls():
		return errorf(BadRequest, "%s cannot stand in a transaction", s.statement.Verb)
	case b.whole && b.kind == MySQL && s.statement.Commits():
		return errorf(BadRequest, "%s commits what is before it, so that it cannot stand in a transaction of MySQL", s.statement.Verb)
	}
	return s.check(b.kind)
}

// verbs are the first words of statements that built-ins may use if the app says nothing else.
func verbs() []string {
	return []string{"SELECT", "WITH", "VALUES", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"}
}

// builtinBatch reads a call of query or transaction, whose statements are the caller's own.
func builtinBatch(kind Kind, c *Call) (*batch, error) {
	var list []step
	made := &batch{kind: kind, single: c.Name == "query", once: true}
	if made.single {
		one := step{}
		if err := readQuery(c.Payload, &one); err != nil {
			return nil, err
		}
		list = []step{one}
	} else {
		var p struct {
			Statements []step `json:"statements"`
		}
		if err := read(c.Payload, &p, `{"statements": [{"sql", "params"}, …]}`); err != nil {
			return nil, err
		}
		list, made.whole = p.Statements, true
	}
	switch {
	case len(list) == 0:
		return nil, errorf(BadRequest, "there are no statements")
	case len(list) > maxSteps:
		return nil, errorf(TooLarge, "there are %d statements; at most %d are possible", len(list), maxSteps)
	}
	allowed := c.Allowed
	if allowed == nil {
		allowed = verbs()
	}
	made.reads = onlyReads(allowed)
	made.whole = made.whole || made.reads
	for i := range list {
		if err := made.add(&list[i], allowed); err != nil {
			if made.single {
				return nil, err
			}
			return nil, inStep(err, i)
		}
	}
	return made, nil
}

// readQuery takes {sql, params}, and the same positionally: {args: [sql, …params]}.
func readQuery(raw json.RawMessage, one *step) error {
	if err := read(raw, one, `{"sql", "params"}`); err != nil {
		return err
	}
	if one.SQL == "" && len(one.Args) > 0 {
		one.SQL, _ = textOf(one.Args[0])
		if one.Params == nil {
			one.Params = one.Args[1:]
		}
		one.Args = nil
	}
	return nil
}

// onlyReads reports whether nothing on the list changes anything.
func onlyReads(allowed []string) bool {
	return !slices.ContainsFunc(allowed, func(verb string) bool {
		return !slices.Contains([]string{"SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "WITH"}, verb)
	})
}

// add takes in a statement of the caller's, if it is open.
func (b *batch) add(one *step, allowed []string) error {
	if one.SQL == "" || one.Command != "" || one.Args != nil {
		return errorf(BadRequest, `a statement is {"sql", "params"}`)
	}
	s, err := syntax.ParseSQL(one.SQL, dialect(b.kind))
	switch {
	case err != nil:
		return errorf(BadRequest, "the SQL cannot be taken: %s", err.Error())
	case s.Controls() || s.Commits() || s.Hidden || s.Words["OUTFILE"] || s.Words["DUMPFILE"],
		s.Verb == "SELECT" && s.Words["INTO"]:
		return errorf(Forbidden, "this %s statement is closed to callers: register a method for it", s.Verb)
	case !slices.Contains(allowed, s.Verb):
		return errorf(Forbidden, "%.40s is not one of the statements that are open to callers: %s", s.Verb, strings.Join(allowed, ", "))
	}
	b.steps = append(b.steps, sqlStep{one.SQL, &s, one.Params})
	return b.check(len(b.steps) - 1)
}
