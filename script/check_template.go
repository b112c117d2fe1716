package script

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/parser"
)

// What settings.template says is checked with the release, before a run meets it. Problems have no file if they lie in the
// text itself.

// settingsFile is the file from whose folder the paths in settings lead on.
const settingsFile = "gaff.yaml"

// CheckHelpers compiles a file of helpers for templates, given by its path from the project's folder, and evaluates it once.
// The error is a [*CompileError]; a problem of the setting itself has no file.
func CheckHelpers(files Files, name string) error {
	if _, err := files.resolve(settingsFile, name); err != nil {
		return problemOfText(0, 0, err.Error())
	}
	return checkText(files, fmt.Sprintf("const found = require(%s);\n", quoted(name))+
		"for (const name of Object.keys(found)) if (typeof found[name] !== 'function' && typeof found[name] !== 'string') "+
		"throw new TypeError('helper ' + name + ' is not a function');", 0)
}

// CheckHelper compiles the text of one helper, a JavaScript expression, and sees whether it is a function. The error is a
// [*CompileError] whose problems have no file.
func CheckHelper(text string) error {
	const before, after = "const helper = (", "\n); if (typeof helper !== 'function') throw new TypeError('the helper is not a function');"
	if _, err := parser.ParseFile(nil, "", "("+text+"\n)", 0, parser.WithDisableSourceMaps); err != nil {
		first := new(module).problemsOf(err, nil)[:1] // the others follow from it
		shiftFirst(first, 1)
		leaveOurs(first, text)
		return compileError(first)
	}
	return checkText(Files{}, before+text+after, len(before))
}

// checkText compiles a text as if it stood in the file of settings; so many columns of its first line are ours.
func checkText(files Files, text string, ours int) error {
	files = maps.Clone(files)
	files[settingsFile] = text
	_, err := Compile(files, settingsFile)
	bad, ok := errors.AsType[*CompileError](err)
	if !ok {
		return err
	}
	for i := range bad.Problems {
		p := &bad.Problems[i]
		if p.File != settingsFile {
			continue
		}
		p.File, p.Message = "", strings.TrimPrefix(p.Message, "TypeError: ")
		if ours == 0 {
			p.Line, p.Col = 0, 0
		}
	}
	leaveOurs(bad.Problems, strings.TrimSuffix(text, "\n"+lastLine(text)))
	shiftFirst(bad.Problems, ours)
	return bad
}

// leaveOurs takes away the place of problems in the line that we have put behind the text.
func leaveOurs(problems []Problem, text string) {
	for i := range problems {
		if p := &problems[i]; p.File == "" && p.Line > strings.Count(text, "\n")+1 {
			p.Line, p.Col = 0, 0
		}
	}
}

func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }

func shiftFirst(problems []Problem, cols int) {
	for i := range problems {
		if p := &problems[i]; p.File == "" && p.Line == 1 {
			p.Col = max(p.Col-cols, 1)
		}
	}
}

// CheckPartial compiles a partial: the text of a template, or the path of a file that begins with ./ from the project's
// folder. The error is a [*CompileError]; a problem of the text itself has no file.
func CheckPartial(files Files, text string) error {
	file := ""
	if strings.HasPrefix(text, "./") {
		path, err := files.resolve(settingsFile, text)
		if err != nil {
			return problemOfText(0, 0, err.Error())
		}
		if !isText(path) {
			return nil
		}
		file, text = path, files[path]
	}
	message := precompile(text)
	if message == "" {
		return nil
	}
	line, col, message := templatePlace(message)
	return compileError([]Problem{{file, line, col, message}})
}

// precompile returns why a template does not compile, or nothing.
func precompile(text string) (message string) {
	m := newMachine(false)
	ctx, cancel := context.WithTimeout(context.Background(), compileTime)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		if ctx.Err() == context.DeadlineExceeded {
			m.js.Interrupt(errDeadline)
		}
	})()
	defer func() {
		if x := recover(); x != nil {
			message = "the template cannot be compiled: " + firstLine(x)
		}
	}()
	compile, _ := goja.AssertFunction(m.evaluateHandlebars(handlebarsWhole).Get("precompile"))
	if _, err := compile(goja.Undefined(), m.js.ToValue(text)); err != nil {
		if ex, ok := errors.AsType[*goja.Exception](err); ok {
			return ex.Value().ToObject(m.js).Get("message").String()
		}
		return fmt.Sprintf("the template does not compile within %v", compileTime)
	}
	return ""
}

var (
	parseErrorLine = regexp.MustCompile(`^(?:Parse|Lexical) error on line (\d+)[:.]`)
	errorPlace     = regexp.MustCompile(` - (\d+):(\d+)$`)
)

// templatePlace takes the place out of what the compiler of Handlebars says.
func templatePlace(message string) (line, col int, text string) {
	if m := errorPlace.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		col, _ = strconv.Atoi(m[2])
		return line, col + 1, "template: " + strings.TrimSuffix(message, m[0])
	}
	if m := parseErrorLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		lines := strings.Split(message, "\n")
		return line, 1, "template: " + lines[len(lines)-1]
	}
	return 1, 1, "template: " + firstLine(message)
}

func problemOfText(line, col int, message string) error {
	return compileError([]Problem{{"", line, col, message}})
}

func quoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(text) + "'"
}
