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

// transpile turns TypeScript, ES modules and newer syntax into what goja takes, and returns the map back to the
// author's lines and columns.
func transpile(file, source string) (string, *sourcemap.Consumer, []Problem) {
	out := api.Transform(source, api.TransformOptions{
		Loader:         loaderOf(file),
		Target:         api.ES2017,
		Format:         api.FormatCommonJS,
		Sourcemap:      api.SourceMapExternal,
		SourcesContent: api.SourcesContentExclude,
		Sourcefile:     path.Base(file),
		LogLevel:       api.LogLevelSilent,
		TsconfigRaw:    "{}",
	})
	if len(out.Errors) > 0 {
		return "", nil, transpileProblems(file, out.Errors)
	}
	consumer, err := oneBased(out.Map)
	if err != nil {
		return "", nil, []Problem{{File: file, Message: fmt.Sprintf("source map: %v", err)}}
	}
	return string(out.Code), consumer, nil
}

func transpileProblems(file string, messages []api.Message) []Problem {
	problems := make([]Problem, 0, len(messages))
	for _, m := range messages {
		p := Problem{File: file, Message: strings.TrimSpace(m.Text)}
		if m.Location != nil {
			p.Line, p.Col = m.Location.Line, m.Location.Column+1
		}
		problems = append(problems, p)
	}
	return problems
}
