package hooks

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// ProjectFile is the file that says what a project registers.
const ProjectFile = "gaff.yaml"

// The bounds of a project.
const (
	MaxFileSize     = 1 << 20  // bytes of one file
	MaxProjectSize  = 16 << 20 // bytes of all files
	MaxProjectFiles = 2000
)

// DefaultApp is the app of a project that names none.
const DefaultApp = "default"

// LoadProject validates a project, compiles its scripts and fills in its defaults. files holds the sources by
// slash-separated path, with [ProjectFile] among them. The release has neither number nor time of creation yet, and
// keeps files, which nobody may change from then on. The error is a [ProjectError].
//
// The same files always give the same release or the same problems. Scripts are compiled, never run; but compiling
// costs time and memory that a hostile project can drive up.
func LoadProject(files map[string]string) (*Release, error) {
	l := &loader{
		files:    files,
		release:  &Release{App: DefaultApp, Files: files},
		scripts:  map[string]*loadedScript{},
		names:    map[string]int{},
		services: methodServices{},
	}
	l.checkFiles()
	if source, ok := files[ProjectFile]; ok {
		l.root(source)
	} else {
		l.add(ProjectFile, 1, 1, "the project has no %s: `gaff init` writes one", ProjectFile)
	}
	l.systemJobs()
	if err := l.err(); err != nil {
		return nil, err
	}
	return l.release, nil
}

// loader reads one project.
type loader struct {
	problems
	files    map[string]string
	release  *Release
	scripts  map[string]*loadedScript
	names    map[string]int // kind and name → the line that took it
	services methodServices
	anchors  map[string]ast.Node
	nodes    int // converted to JSON so far

	referring bool // what is converted may refer to secrets
	refs      []SecretRef
}

// checkFiles holds the project to its bounds.
func (l *loader) checkFiles() {
	total := 0
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		source := l.files[name]
		total += len(source)
		switch {
		case !validFilePath(name):
			l.add(name, 1, 1, "%.100q is not a path inside the project", name)
		case len(source) > MaxFileSize:
			l.add(name, 1, 1, "the file has %d bytes; at most %d are allowed", len(source), MaxFileSize)
		case !utf8.ValidString(source):
			l.add(name, 1, 1, "the file is not UTF-8 text")
		}
	}
	l.checkSize(len(l.files), total)
}

func (ps *problems) checkSize(files, bytes int) {
	if files > MaxProjectFiles {
		ps.add(ProjectFile, 1, 1, "the project has %d files; at most %d are allowed", files, MaxProjectFiles)
	}
	if bytes > MaxProjectSize {
		ps.add(ProjectFile, 1, 1, "the project has %d bytes; at most %d are allowed", bytes, MaxProjectSize)
	}
}

// validFilePath reports whether name is a slash-separated path that stays inside the project on every system.
func validFilePath(name string) bool {
	return fs.ValidPath(name) && name != "." && len(name) <= 255 && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '\\' || r == ':' || isControl(r)
	})
}

// root reads gaff.yaml.
func (l *loader) root(source string) {
	if len(source) > MaxFileSize {
		return // told by checkFiles
	}
	n := l.parse(source)
	if n == nil {
		return
	}
	l.object(n, "the project", map[string]setter{
		"app":      l.name("app", &l.release.App),
		"hooks":    l.list("hooks", l.hook),
		"jobs":     l.list("jobs", l.job),
		"limits":   l.limits(&l.release.Limits),
		"settings": l.settings,
		"sessions": l.sessions,
		"methods":  l.list("methods", l.method),
		"builtins": l.builtins,
		"services": l.upstreams,
	})
}

// settings reads context.settings.
func (l *loader) settings(n ast.Node) {
	if _, ok := mappingOf(n); !ok {
		l.at(n, "settings must be a mapping")
		return
	}
	l.referring = true
	l.json(&l.release.Settings)(n)
	l.referring = false
	l.templates(n)
}

// take claims a name for the node n; a kind's names are unique in a project.
func (l *loader) take(n ast.Node, kind, name string) {
	line, _ := place(n)
	if first, taken := l.names[kind+" "+name]; taken {
		l.at(n, "%s %q is already defined in line %d: give this one another name", kind, name, first)
		return
	}
	l.names[kind+" "+name] = line
}

// nameOf settles the name of a hook or job: what was given, else the base name of its script.
func (l *loader) nameOf(o object, kind string, name *string, script string) {
	at, given := o.value("name")
	if !given && script != "" {
		at = o.at("script")
		*name = strings.TrimSuffix(path.Base(script), path.Ext(script))
		if !ValidName(*name) {
			l.at(at, "the script's base name %.80q cannot be the %s's name: give it a name", *name, kind)
			return
		}
	}
	if ValidName(*name) {
		l.take(at, kind, *name)
	}
}
