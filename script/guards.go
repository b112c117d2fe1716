package script

import "github.com/dop251/goja"

// The bounds of what one call of a built-in function may make or walk through. Such a function cannot be interrupted: it
// is refused before it begins. They are far beyond what a hook needs. What gets round them, and what has no guard (the
// constructors of buffers, the parser behind eval), is for the walls of the process.
const (
	maxString = 32 << 20 // characters
	maxArray  = 10 << 20 // elements
	maxNested = 512      // of what JSON.parse reads
)

// guard puts checks in front of the built-in functions that one call of can end the process, or keep it busy for minutes.
func (m *machine) guard() {
	text, array := m.builtIn("String").Get("prototype").ToObject(m.js), m.builtIn("Array").Get("prototype").ToObject(m.js)
	m.wrap(text, "repeat", func(c *goja.FunctionCall) bool {
		return lengthOf(c.This)*c.Argument(0).ToFloat() <= maxString
	})
	for _, name := range []string{"padStart", "padEnd"} {
		m.wrap(text, name, func(c *goja.FunctionCall) bool { return c.Argument(0).ToFloat() <= maxString })
	}
	for _, name := range []string{"fill", "indexOf", "lastIndexOf", "includes", "join", "reverse", "sort", "copyWithin"} {
		m.wrap(array, name, func(c *goja.FunctionCall) bool { return !m.longer(c.This) })
	}
	m.wrap(m.builtIn("Array"), "from", func(c *goja.FunctionCall) bool { return !m.longer(c.Argument(0)) })
	m.wrap(m.builtIn("JSON"), "parse", func(c *goja.FunctionCall) bool { return !deep(c.Argument(0)) })
}

func (m *machine) builtIn(name string) *goja.Object { return m.js.Get(name).ToObject(m.js) }

// wrap has a function refuse what fits does not accept.
func (m *machine) wrap(o *goja.Object, name string, fits func(*goja.FunctionCall) bool) {
	original := o.Get(name).ToObject(m.js)
	call, _ := goja.AssertFunction(original)
	wrapped := m.function(name, func(c goja.FunctionCall) goja.Value {
		if !fits(&c) {
			panic(m.rangeError(name + " is asked for too much"))
		}
		v, err := call(c.This, c.Arguments...)
		if err != nil {
			panic(rethrow(err))
		}
		return v
	})
	for _, err := range []error{
		wrapped.DefineDataProperty("length", original.Get("length"), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE),
		o.DefineDataProperty(name, wrapped, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE),
	} {
		if err != nil {
			panic(err) // a new function, and a built-in that nobody has frozen yet
		}
	}
}

func (m *machine) rangeError(message string) goja.Value {
	o, err := m.js.New(m.js.Get("RangeError"), m.js.ToValue(message))
	if err != nil {
		panic(rethrow(err))
	}
	return o
}

// lengthOf is how many characters a value has as text; of what is no text the fewest that matter.
func lengthOf(v goja.Value) float64 {
	if s, ok := v.(goja.String); ok {
		return float64(s.Length())
	}
	return 1
}

// longer reports whether an array, or what passes for one, has too many elements. A proxy or getter may answer something
// else each time; the process wall is for those.
func (m *machine) longer(v goja.Value) bool {
	o, ok := v.(*goja.Object)
	if !ok {
		return false
	}
	n := o.Get("length")
	return n != nil && !goja.IsUndefined(n) && n.ToFloat() > maxArray
}

// deep reports whether JSON is nested deeper than JSON.parse, which recurses, may go.
func deep(v goja.Value) bool {
	if _, ok := v.(goja.String); !ok {
		return false
	}
	depth, inText, text := 0, false, v.String()
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '[' || c == '{':
			if depth++; depth > maxNested {
				return true
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return false
}
