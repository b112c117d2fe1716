package script

import (
	"strings"

	"github.com/dop251/goja"
)

func (m *machine) logFunctions(levels ...string) map[string]any {
	out := map[string]any{}
	for _, level := range levels {
		out[level] = m.logFunction(level)
	}
	return out
}

// consoleFunctions are those of console that write; console.log is at level info.
func (m *machine) consoleFunctions() map[string]any {
	out := m.logFunctions("debug", "info", "warn", "error")
	out["log"], out["trace"] = m.logFunction("info"), m.logFunction("debug")
	return out
}

func (m *machine) logFunction(level string) native {
	return func(call goja.FunctionCall) goja.Value {
		m.logAt(level, call.Arguments)
		return goja.Undefined()
	}
}

func (m *machine) logAt(level string, values []goja.Value) {
	if r := m.run; !r.closed && !(r.answered && m.jobs != r.endJob) {
		r.journal.add(level, m.format(values))
	}
}

// format joins values with spaces; a first string with %s and the like takes the following ones in.
func (m *machine) format(args []goja.Value) string {
	var b strings.Builder
	if len(args) > 1 && goja.IsString(args[0]) && strings.Contains(args[0].String(), "%") {
		args = m.formatInto(&b, args[0].String(), args[1:])
	} else if len(args) > 0 {
		b.WriteString(m.show(args[0]))
		args = args[1:]
	}
	for _, a := range args {
		if b.Len() > maxLine {
			break
		}
		b.WriteByte(' ')
		b.WriteString(m.show(a))
	}
	return b.String()
}

func (m *machine) formatInto(b *strings.Builder, format string, args []goja.Value) []goja.Value {
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 || i == len(format)-1 {
			b.WriteString(format)
			return args
		}
		b.WriteString(format[:i])
		verb := format[i+1]
		format = format[i+2:]
		switch {
		case verb == '%':
			b.WriteByte('%')
		case strings.IndexByte("sdifjoO", verb) >= 0 && len(args) > 0:
			b.WriteString(m.show(args[0]))
			args = args[1:]
		default:
			b.WriteByte('%')
			b.WriteByte(verb)
		}
	}
}

// plainStack leaves of a text that has the stack of an error the author's places.
func (m *machine) plainStack(text string) string {
	if !strings.Contains(text, "\n\tat ") {
		return text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "\tat ") {
			b.WriteString(line)
			continue
		}
		e := &Error{}
		m.run.placeText(e, strings.TrimRight(line, "\n"))
		b.WriteString(e.Stack)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// show writes a value for people: text as it is, an Error with its stack, an object as JSON.
func (m *machine) show(v goja.Value) string {
	o, ok := v.(*goja.Object)
	if !ok {
		return m.plainStack(v.String())
	}
	if o.ClassName() == "Error" {
		e := m.run.thrown(o, nil)
		return strings.TrimSuffix(e.Message+"\n"+e.Stack, "\n")
	}
	if _, ok := goja.AssertFunction(o); ok {
		return o.String()
	}
	e := encoder{m: m}
	if ok, err := e.encode(o, ""); err != nil || !ok {
		return "[" + o.ClassName() + "]"
	}
	return string(e.out)
}
