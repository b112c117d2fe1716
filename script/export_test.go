package script

// Variant chooses how a program is run, to test that it makes no difference.
type Variant struct{ Fresh, Plain, Counted bool }

// As returns the program to be run as v says, or as it has to be run if that is more.
func (p *Program) As(v Variant) *Program {
	q := &Program{files: p.files, main: p.main, modules: p.modules, entries: p.entries, functions: p.functions,
		included: p.included, extended: p.extended, last: p.last, exprVars: p.exprVars, coverage: p.coverage, mentions: p.mentions}
	q.fresh, q.plain = p.fresh || v.Fresh, p.plain || v.Plain
	return q
}

// Fresh reports whether each run gets a runtime of its own.
func (p *Program) Fresh() bool { return p.fresh }

// Plain reports whether event objects are built whole.
func (p *Program) Plain() bool { return p.plain }

// NewFrozen makes a pooled runtime.
func NewFrozen() { newMachine(true) }

// Idle returns how many runtimes wait for a run.
func (e *Engine) Idle() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.idle)
}
