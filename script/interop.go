package script

import (
	"slices"
	"strings"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// What esbuild puts before a file with import or export is evaluated in each run, and would cost more than a short run. Its
// three functions are here instead, made once for a runtime; the text that defines them is taken out of what is compiled.

// interopTexts are the definitions as esbuild writes them, by name. One that it writes otherwise, because the author has such a
// name too, stays where it is.
var interopTexts = []struct{ name, text string }{
	{"__export", `var __export = (target, all) => {
  for (var name in all)
    __defProp(target, name, { get: all[name], enumerable: true });
};
`},
	{"__toESM", `var __toESM = (mod, isNodeMode, target) => (target = mod != null ? __create(__getProtoOf(mod)) : {}, __copyProps(
  // If the importer is in node compatibility mode or this is not an ESM
  // file that has been converted to a CommonJS file using a Babel-
  // compatible transform (i.e. "__esModule" has not been set), then set
  // "default" to the CommonJS "module.exports" for node compatibility.
  isNodeMode || !mod || !mod.__esModule ? __defProp(target, "default", { value: mod, enumerable: true }) : target,
  mod
));
`},
	{"__toCommonJS", `var __toCommonJS = (mod) => __copyProps(__defProp({}, "__esModule", { value: true }), mod);
`},
}

// interopParts are what those definitions use, and nobody once they are gone.
var interopParts = []struct{ name, text string }{
	{"__copyProps", `var __copyProps = (to, from, except, desc) => {
  if (from && typeof from === "object" || typeof from === "function") {
    for (let key of __getOwnPropNames(from))
      if (!__hasOwnProp.call(to, key) && key !== except)
        __defProp(to, key, { get: () => from[key], enumerable: !(desc = __getOwnPropDesc(from, key)) || desc.enumerable });
  }
  return to;
};
`},
	{"__create", "var __create = Object.create;\n"}, {"__defProp", "var __defProp = Object.defineProperty;\n"},
	{"__getOwnPropDesc", "var __getOwnPropDesc = Object.getOwnPropertyDescriptor;\n"},
	{"__getOwnPropNames", "var __getOwnPropNames = Object.getOwnPropertyNames;\n"},
	{"__getProtoOf", "var __getProtoOf = Object.getPrototypeOf;\n"},
	{"__hasOwnProp", "var __hasOwnProp = Object.prototype.hasOwnProperty;\n"},
}

// withoutInterop takes the definitions out of transpiled code, whose lines stay where they are, and returns which of the three
// functions it uses.
func withoutInterop(code string) (rest string, used []string) {
	for _, d := range interopTexts {
		if strings.Contains(code, d.text) {
			code, used = blanked(code, d.text), append(used, d.name)
		}
	}
	for _, d := range interopParts {
		if len(used) > 0 && strings.Count(code, d.name) == 1 {
			code = blanked(code, d.text)
		}
	}
	return code, used
}

func blanked(code, text string) string {
	return strings.Replace(code, text, strings.Repeat("\n", strings.Count(text, "\n")), 1)
}

// interop returns one of the three functions.
func (m *machine) interop(name string) goja.Value {
	if v := m.interops[name]; v != nil {
		return v
	}
	functions := map[string]native{"__export": m.exportAll, "__toESM": m.toESM, "__toCommonJS": m.toCommonJS}
	v := goja.Value(m.function(name, functions[name]))
	if m.interops == nil {
		m.interops = map[string]goja.Value{}
	}
	m.interops[name] = v
	return v
}

// exportAll(target, all) gives target a member for each function of all, which says its value.
func (m *machine) exportAll(call goja.FunctionCall) goja.Value {
	target, all := call.Argument(0).ToObject(m.js), call.Argument(1).ToObject(m.js)
	for _, name := range all.Keys() {
		if err := target.DefineAccessorProperty(name, all.Get(name), nil, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
			panic(rethrow(err))
		}
	}
	return goja.Undefined()
}

const esModule = "__esModule"

// toCommonJS(exports) marks what a file with export exports.
func (m *machine) toCommonJS(call goja.FunctionCall) goja.Value {
	exports := call.Argument(0).ToObject(m.js)
	if err := exports.DefineDataProperty(esModule, m.yes, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
		panic(rethrow(err))
	}
	return exports
}

// toESM(exports) is what import sees of a file: its exports if it has export, else they are its default, too.
func (m *machine) toESM(call goja.FunctionCall) goja.Value {
	exports, ok := call.Argument(0).(*goja.Object)
	if !ok {
		target := m.js.NewObject()
		m.define(target, map[string]any{"default": call.Argument(0)})
		return target
	}
	if mark := exports.Get(esModule); mark != nil && mark.ToBoolean() && !call.Argument(1).ToBoolean() {
		return exports
	}
	target := m.js.CreateObject(exports.Prototype())
	if err := target.DefineDataProperty("default", exports, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_TRUE); err != nil {
		panic(rethrow(err))
	}
	shown := exports.Keys()
	for _, name := range exports.GetOwnPropertyNames() {
		if name == "default" {
			continue
		}
		enumerable := goja.FLAG_FALSE
		if slices.Contains(shown, name) {
			enumerable = goja.FLAG_TRUE
		}
		get := m.js.ToValue(func(goja.FunctionCall) goja.Value { return exports.Get(name) })
		if err := target.DefineAccessorProperty(name, get, nil, goja.FLAG_FALSE, enumerable); err != nil {
			panic(rethrow(err))
		}
	}
	return target
}

// withoutExports is the main file without what esbuild has it export, if nobody can see that: the function that is called is
// bound in the file, no other file requires it, and the author does not speak of module or exports.
func (p *Program) withoutExports(function string) []ast.Statement {
	m := p.main
	if len(m.interops) == 0 || !m.binds(function) || mentionsModule.MatchString(m.source) {
		return m.tree.Body
	}
	for _, other := range p.modules {
		for _, target := range other.requires {
			if target == m.path {
				return m.tree.Body
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(m.tree.Body), func(st ast.Statement) bool {
		e, ok := st.(*ast.ExpressionStatement)
		if !ok {
			return false
		}
		if a, ok := e.Expression.(*ast.AssignExpression); ok {
			return m.callsInterop(a.Right, "__toCommonJS")
		}
		return m.callsInterop(e.Expression, "__export")
	})
}

func (m *module) callsInterop(e ast.Expression, name string) bool {
	call, ok := e.(*ast.CallExpression)
	if !ok || !slices.Contains(m.interops, name) {
		return false
	}
	id, ok := call.Callee.(*ast.Identifier)
	return ok && id.Name.String() == name
}
