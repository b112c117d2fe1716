package hooks

import (
	"sync"

	"gaff/script"
)

// programs are the compiled scripts of one release, made when they are first needed.
type programs struct {
	table *Table
	made  sync.Map // source key → func() (*script.Program, error)
}

type compileFunc = func() (*script.Program, error)

func (ps *programs) once(key string, compile compileFunc) (*script.Program, error) {
	made, ok := ps.made.Load(key)
	if !ok {
		made, _ = ps.made.LoadOrStore(key, sync.OnceValues(compile))
	}
	return made.(compileFunc)()
}

// script returns the compiled file at path.
func (ps *programs) script(path string) (*script.Program, error) {
	return ps.once(path, func() (*script.Program, error) {
		return script.Compile(ps.table.Release.Files, path)
	})
}

// condition returns the compiled condition of a hook.
func (ps *programs) condition(h *Hook) (*script.Program, error) {
	return ps.once("when "+h.Name, func() (*script.Program, error) {
		return script.CompileExpr(h.When, "when", 1)
	})
}

// programsOf keeps the programs of each app's current table; those of a replaced table end with its last run.
type programsOf struct {
	byApp sync.Map // app → *programs
}

func (po *programsOf) of(t *Table) *programs {
	if ps, ok := po.byApp.Load(t.Release.App); ok && ps.(*programs).table == t {
		return ps.(*programs)
	}
	ps := &programs{table: t}
	po.byApp.Store(t.Release.App, ps)
	return ps
}
