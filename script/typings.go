package script

import (
	"fmt"
	"regexp"
	"strings"
)

// Typings returns gaff.d.ts: TypeScript declarations of all that scripts have besides the language, with comments. They
// are written from the table that the host API is made from.
func Typings() string {
	w := &typingsWriter{}
	w.line("// The types of what Gaff gives to scripts. Written by `gaff init`; `gaff init --types` writes it anew.")
	w.line("")
	w.line("/// <reference lib=\"es2020\" />")
	w.line("")
	w.line("declare namespace gaff {")
	w.indent = "  "
	for i := range shapes {
		w.shape(&shapes[i])
	}
	for i := range hostAPI {
		if g := &hostAPI[i]; g.kind == objectShape || len(g.members) > 0 && g.kind == functionShape {
			w.interfaceOf(g)
		}
	}
	w.functions()
	w.indent = ""
	w.line("}")
	for i := range hostAPI {
		w.line("")
		w.global(&hostAPI[i])
	}
	w.line("")
	w.doc("What a script sees of its event whose last value is its answer.")
	w.line("declare const %s: gaff.Data;", dataName)
	w.modules()
	return w.text.String()
}

type typingsWriter struct {
	text   strings.Builder
	indent string
}

func (w *typingsWriter) line(format string, args ...any) {
	if format != "" {
		w.text.WriteString(w.indent)
		fmt.Fprintf(&w.text, format, args...)
	}
	w.text.WriteByte('\n')
}

func (w *typingsWriter) doc(text string) {
	if text != "" {
		w.line("/** %s */", strings.ReplaceAll(text, "*/", "*\\/"))
	}
}

func (w *typingsWriter) shape(r *record) {
	w.doc(r.doc)
	if r.alias != "" {
		w.line("type %s = %s;", r.name, r.alias)
	} else {
		w.line("interface %s {", r.name)
		w.members("", r.fields)
		w.line("}")
	}
	w.line("")
}

// interfaceOf writes the type of a global that holds functions.
func (w *typingsWriter) interfaceOf(g *global) {
	w.doc(g.doc)
	w.line("interface %s {", g.typeName())
	for _, t := range g.types {
		w.line("  %s;", t)
	}
	w.members("", g.members)
	w.members("", g.dynamic)
	w.line("}")
	w.line("")
}

func (g *global) typeName() string {
	if g.typeOf != "" {
		return g.typeOf
	}
	return strings.ToUpper(g.name[:1]) + g.name[1:]
}

func (w *typingsWriter) members(prefix string, members []member) {
	for _, m := range members {
		old := w.indent
		w.indent += "  "
		w.doc(m.doc)
		for _, t := range m.types {
			switch property, readonly := strings.CutPrefix(t, "readonly:"); {
			case readonly:
				w.line("%sreadonly %s:%s;", prefix, m.name, property)
			default:
				w.line("%s%s%s;", prefix, m.name, t)
			}
		}
		w.indent = old
	}
}

func (w *typingsWriter) global(g *global) {
	w.doc(g.doc)
	switch {
	case g.kind == classShape:
		w.class(g)
	case g.kind == functionShape && len(g.members) == 0:
		for _, t := range g.types {
			w.line("declare function %s%s;", g.name, qualified(t))
		}
	default:
		w.line("declare const %s: gaff.%s;", g.name, g.typeName())
	}
}

func (w *typingsWriter) class(g *global) {
	extends := ""
	if g.extends != "" {
		extends = " extends " + g.extends
	}
	w.line("declare class %s%s%s {", g.name, g.generic, extends)
	if len(g.types) == 0 {
		w.line("  private constructor();")
	}
	for _, t := range g.types {
		w.line("  constructor%s;", qualified(t))
	}
	w.members("static ", qualifiedMembers(g.static))
	w.members("", qualifiedMembers(g.members))
	w.line("}")
}

// functions lists which functions scripts may define, for those who want to name their types.
func (w *typingsWriter) functions() {
	w.doc("The functions that a script may define, by name.")
	w.line("interface Functions {")
	for _, verb := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		w.line("  before%s: Before;", verb)
	}
	for _, verb := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		w.line("  after%s: After;", verb)
	}
	w.line("  before: Before;")
	w.line("  after: After;")
	w.line("  failed: After;")
	w.line("  runJob: Job;")
	w.line("}")
}

// modules declares what can be required besides files.
func (w *typingsWriter) modules() {
	for _, m := range []struct{ name, exports string }{
		{"async", "const all: gaff.Async; export = all;"},
		{"buffer", "const B: typeof Buffer; export { B as Buffer };"},
		{"crypto", "const all: gaff.Crypto; export = all;"},
		{"handlebars", "const all: any; export = all;"},
		{"querystring", "const all: any; export = all;"},
		{"request", "const all: gaff.RequestFunction; export = all;"},
		{"url", "const all: any; export = all;"},
		{"util", "const all: any; export = all;"},
	} {
		w.line("")
		w.line("declare module '%s' { %s }", m.name, m.exports)
	}
}

func qualifiedMembers(members []member) []member {
	out := make([]member, len(members))
	for i, m := range members {
		types := make([]string, len(m.types))
		for j, t := range m.types {
			types[j] = qualified(t)
		}
		out[i] = member{name: m.name, doc: m.doc, types: types}
	}
	return out
}

// qualified puts the namespace before the types that lie in it.
func qualified(types string) string {
	return typeName.ReplaceAllStringFunc(types, func(name string) string {
		if inNamespace[name] {
			return "gaff." + name
		}
		return name
	})
}

var typeName = regexp.MustCompile(`\b[A-Z][A-Za-z]*\b`)

var inNamespace = namespaceNames() //nolint:gochecknoglobals // a table that is derived from others

func namespaceNames() map[string]bool {
	names := map[string]bool{}
	for _, r := range shapes {
		name, _, _ := strings.Cut(r.name, "<")
		names[name] = true
	}
	for i := range hostAPI {
		if g := &hostAPI[i]; g.kind != classShape {
			names[g.typeName()] = true
		}
	}
	return names
}
