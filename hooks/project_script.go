package hooks

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gaff/script"
)

// loadedScript is a script that several hooks may share: it is compiled, and its problems told, once.
type loadedScript struct {
	functions []string
	lastValue bool // the last value of the file can be its answer
	ok        bool
}

func scriptSuffixes() []string { return []string{".js", ".mjs", ".cjs", ".ts", ".ccjs"} }

// scriptPath reads the path of a script, which must be a file of the project.
func (l *loader) scriptPath(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		clean := path.Clean(v)
		_, exists := l.files[clean]
		switch {
		case !validFilePath(clean):
			l.at(n, "%.100q is not a path inside the project", v)
		case !slices.Contains(scriptSuffixes(), path.Ext(clean)):
			l.at(n, "%.100q is not a script: its name must end in %s", v, enumerate(scriptSuffixes(), "or"))
		case !exists:
			l.at(n, "the file %.100q does not exist%s", v, didYouMean(clean, l.scriptFiles()))
		default:
			*s = clean
		}
	}
}

func (l *loader) scriptFiles() []string {
	names := slices.Sorted(maps.Keys(l.files))
	return slices.DeleteFunc(names, func(name string) bool {
		return !slices.Contains(scriptSuffixes(), path.Ext(name)) || strings.HasSuffix(name, ".d.ts")
	})
}

// functions returns the script of a hook or job, with which of [Functions] it defines; false if that is not known because of
// problems that have been told.
func (l *loader) functions(o object, file string) (*loadedScript, bool) {
	if file == "" {
		return nil, false
	}
	s, loaded := l.scripts[file]
	if !loaded {
		s = &loadedScript{}
		l.scripts[file] = s
		program, err := script.Compile(l.files, file, Functions()...)
		if err != nil {
			l.compileError(o.at("script"), err)
		} else {
			s.functions, s.lastValue, s.ok = program.Functions(Functions()), program.LastValue(), true
		}
	}
	return s, s.ok
}
