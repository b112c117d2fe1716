package hooks

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"gaff/rpc/syntax"
	"gaff/script"
)

const (
	luaSuffix = ".lua"
	sqlSuffix = ".sql"
)

// methodServices says, by the name of a service, what its methods take it for: redis or sql.
type methodServices map[string]string

// method reads one of methods.
func (l *loader) method(n ast.Node) {
	m := Method{Timeout: DefaultTimeout}
	var steps []methodStep
	o := l.object(n, "a method", map[string]setter{
		"service": l.name("service", &m.Service),
		"name":    l.name("method", &m.Name),
		"kind":    oneOf(l, &m.Kind, MethodScript, MethodMacro),
		"script":  l.methodFile(&m.Script),
		"keys":    l.keyCount(&m.Keys),
		"mode":    oneOf(l, &m.Mode, Transaction, Pipeline),
		"body":    l.macroBody(&steps),
		"timeout": l.timeout(&m.Timeout),
	})
	l.needs(o, "a method", "service")
	l.methodKind(o, &m)
	l.methodName(o, &m)
	switch technology := l.methodTechnology(o, &m, steps); {
	case technology == "":
	case l.services[m.Service] == "":
		l.services[m.Service] = technology
	case l.services[m.Service] != technology:
		l.at(o.at("service"), "service %s has methods for Redis and methods for SQL: they need services of their own", m.Service)
	}
	if m.Kind == MethodMacro {
		m.Body = mustMarshal(steps)
	}
	l.release.Methods = append(l.release.Methods, m)
}

// methodKind settles the kind, which the other keys show if it is not said, and tells of keys of the other one.
func (l *loader) methodKind(o object, m *Method) {
	if _, ok := mappingOf(o.node); !ok {
		return // told
	}
	_, script := o.value("script")
	_, body := o.value("body")
	if m.Kind == "" {
		if m.Kind = MethodScript; body && !script {
			m.Kind = MethodMacro
		}
	}
	own, foreign := "script", []string{"body", "mode"}
	if m.Kind == MethodMacro {
		own, foreign = "body", []string{"script", "keys"}
		if m.Mode == "" {
			m.Mode = Transaction
		}
	}
	l.needs(o, "a method of kind "+string(m.Kind), own)
	for _, key := range foreign {
		if at, ok := o.value(key); ok {
			l.at(at, "a method of kind %s has no %s", m.Kind, key)
		}
	}
	if at, ok := o.value("keys"); ok && m.Script != "" && path.Ext(m.Script) != luaSuffix {
		l.at(at, "keys is for Lua on Redis")
	}
}

// methodName settles the name: what was given, else the base name of the script.
func (l *loader) methodName(o object, m *Method) {
	at, given := o.value("name")
	if !given {
		at = o.at("script")
		if m.Name = strings.TrimSuffix(path.Base(m.Script), path.Ext(m.Script)); m.Script == "" {
			l.needs(o, "a method", "name")
			return
		}
		if !ValidName(m.Name) {
			l.at(at, "the script's base name %.80q cannot be the method's name: give it a name", m.Name)
			return
		}
	}
	if m.Name != "" && m.Service != "" {
		l.take(at, "method", m.ID())
	}
	reserved := clientNames()
	switch l.technologyOf(m) {
	case "redis":
		reserved = append(reserved, redisBuiltins()...)
	case "sql":
		reserved = append(reserved, sqlBuiltins()...)
	default: // a client cannot tell what the service is
		reserved = slices.Concat(reserved, redisBuiltins(), sqlBuiltins())
	}
	if slices.Contains(reserved, m.Name) {
		l.at(at, "the name %s is taken by a built-in of such services: give the method another", m.Name)
	}
}

// technologyOf says from its suffix what a script is for; nothing if that cannot be told.
func (*loader) technologyOf(m *Method) string {
	switch path.Ext(m.Script) {
	case luaSuffix:
		return "redis"
	case sqlSuffix:
		return "sql"
	}
	return ""
}

// methodTechnology checks the body and says what it is for.
func (l *loader) methodTechnology(o object, m *Method, steps []methodStep) string {
	if m.Kind == MethodMacro {
		return l.stepsTechnology(o, steps)
	}
	switch path.Ext(m.Script) {
	case "":
	case luaSuffix:
		l.syntaxError(m.Script, 0, syntax.CheckLua(l.files[m.Script]))
	case sqlSuffix:
		_, err := syntax.CheckSQL(l.files[m.Script])
		l.syntaxError(m.Script, 0, err)
	default:
		l.callFunction(o, m)
	}
	return l.technologyOf(m)
}

// stepsTechnology says what a macro's steps are for, and tells if they are not all for the same.
func (l *loader) stepsTechnology(o object, steps []methodStep) string {
	technology := ""
	for i := range steps {
		own := "redis"
		if steps[i].SQL != "" {
			own = "sql"
		}
		if technology == "" {
			technology = own
		}
		if technology != own {
			l.at(o.at("body"), "the steps of a macro are all commands or all statements")
			break
		}
	}
	return technology
}

// syntaxError tells of a body that is wrong.
func (l *loader) syntaxError(file string, line int, err error) {
	if bad, ok := errors.AsType[*syntax.Error](err); ok {
		l.add(file, line+bad.Line, bad.Col, "%s", bad.Message)
	}
}

// callFunction tells if a method's JavaScript does not compile, or has neither its function nor a last value.
func (l *loader) callFunction(o object, m *Method) {
	known := append(Functions(), CallFunction)
	program, err := script.Compile(l.files, m.Script, known...)
	if err != nil {
		l.compileError(o.at("script"), err)
		return
	}
	defined := program.Functions(known)
	m.LastValue = len(defined) == 0 && program.LastValue()
	if !m.LastValue && !slices.Contains(defined, CallFunction) {
		l.at(o.at("script"), "%s does not define the function of a method: %s", m.Script, CallFunction)
	}
}

// methodFile reads the path of a method's script.
func (l *loader) methodFile(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		suffixes := append([]string{luaSuffix, sqlSuffix}, scriptSuffixes()...)
		clean := path.Clean(v)
		_, exists := l.files[clean]
		switch {
		case !validFilePath(clean):
			l.at(n, "%.100q is not a path inside the project", v)
		case !slices.Contains(suffixes, path.Ext(clean)):
			l.at(n, "%.100q is not the script of a method: its name must end in %s", v, enumerate(suffixes, "or"))
		case !exists:
			l.at(n, "the file %.100q does not exist", v)
		default:
			*s = clean
		}
	}
}

// maxKeyCount is how many leading arguments may be keys.
const maxKeyCount = 100

func (l *loader) keyCount(count *int) setter {
	return func(n ast.Node) {
		if i, ok := n.(*ast.IntegerNode); ok {
			if v, err := strconv.Atoi(i.Token.Value); err == nil && v >= 0 && v <= maxKeyCount {
				*count = v
				return
			}
		}
		l.at(n, "keys must be a whole number from 0 to %d", maxKeyCount)
	}
}
