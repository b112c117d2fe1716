package hooks

import (
	"strings"
	"sync"

	"gaff/script"
)

// programs are the compiled scripts of one release, made when they are first needed. They end with the last table of
// the release.
type programs struct {
	release  *Release
	coverage *script.Coverage // may be nil
	made     sync.Map         // source key → func() (*script.Program, error)
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
		return ps.coverage.Compile(ps.release.Files, path, append(Functions(), CallFunction)...)
	})
}

// condition returns the compiled condition of a hook.
func (ps *programs) condition(h *Hook) (*script.Program, error) {
	return ps.once("when "+h.Name, func() (*script.Program, error) {
		source := strings.Repeat(" ", max(h.WhenCol-1, 0)) + h.When
		return script.CompileExpr(source, ProjectFile, max(h.WhenLine, 1))
	})
}
