package script

import (
	"fmt"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
	"github.com/go-sourcemap/sourcemap"
)

// needsTranspiling reports whether a file is written in a language of its own, whatever goja thinks of it.
func needsTranspiling(file string) bool {
	switch path.Ext(file) {
	case ".ts", ".mts", ".cts", ".tsx", ".jsx", ".mjs":
		return true
	}
	return false
}

func loaderOf(file string) api.Loader {
	switch path.Ext(file) {
	case ".ts", ".mts", ".cts":
		return api.LoaderTS
	case ".tsx":
		return api.LoaderTSX
	case ".jsx":
		return api.LoaderJSX
	}
	return api.LoaderJS
}

// transpiled turns TypeScript, ES modules and newer syntax into what goja takes, and returns the map back to the
// author's lines and columns.
func (m *module) transpiled(source string) (string, *sourcemap.Consumer, []Problem) {
	loader := loaderOf(m.path)
	if m.parts != nil && m.parts.scripts && loader == api.LoaderJS {
		loader = api.LoaderTS
	}
	out := api.Transform(source, api.TransformOptions{
		Loader:         loader,
		Target:         api.ES2017,
		Supported:      supported(),
		Format:         api.FormatCommonJS,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		Sourcefile:     path.Base(m.path),
		LogLevel:       api.LogLevelSilent,
		TsconfigRaw:    "{}",
	})
	for _, w := range out.Warnings {
		if w.ID == "empty-import-meta" {
			w.Text = "import.meta is not there: require and import take paths relative to the file"
			out.Errors = append(out.Errors, w)
		}
	}
	if len(out.Errors) > 0 {
		return "", nil, m.transpileProblems(out.Errors)
	}
	var consumer *sourcemap.Consumer
	var err error
	if m.parts != nil {
		consumer, err = m.parts.through(m.path, out.Map)
	} else {
		consumer, err = oneBased(out.Map)
	}
	if err != nil {
		return "", nil, []Problem{{File: m.path, Message: fmt.Sprintf("source map: %v", err)}}
	}
	code, used := withoutInterop(string(out.Code))
	m.interops = used
	return code, consumer, nil
}

// supported says what differs from the target: import() becomes a require, and regular expressions stay literals, which
// goja knows more of, and which are looked at when a file is checked.
func supported() map[string]bool {
	return map[string]bool{
		"dynamic-import": false, "regexp-dot-all-flag": true, "regexp-lookbehind-assertions": true, "regexp-match-indices": true,
		"regexp-named-capture-groups": true, "regexp-set-notation": true, "regexp-sticky-and-unicode-flags": true,
		"regexp-unicode-property-escapes": true,
	}
}

func (m *module) transpileProblems(messages []api.Message) []Problem {
	problems := make([]Problem, 0, len(messages))
	for _, e := range messages {
		p := Problem{File: m.path, Message: advice(strings.TrimSpace(e.Text))}
		if e.Location != nil {
			p.Line, p.Col = e.Location.Line, e.Location.Column+1
		}
		problems = append(problems, m.parts.place(p))
	}
	return problems
}

// advice says what to write instead of what cannot be transpiled.
func advice(message string) string {
	switch {
	case strings.HasPrefix(message, "Top-level await"):
		return "await works inside of async functions only: write async function main() { … } and end the file with main();"
	case strings.HasPrefix(message, "Invalid flags supplied to RegExp"):
		return "a regular expression takes the flags g, i, m, s, u and y: write sets out for v; for d, take index and the length of what matched"
	case message == "Illegal return statement":
		return "return stands in functions only: the value of the last expression of a file is its answer"
	case strings.HasPrefix(message, "With statements cannot be used"):
		return "with cannot stand in a file that imports or exports: name the object"
	}
	return message
}
