package script

import (
	_ "embed"
	"regexp"
	"strings"

	"github.com/dop251/goja"
)

//go:embed language.js
var languageSource string

var language = goja.MustCompile("language.js", languageSource, true) //nolint:gochecknoglobals // a program is a constant

// usesExtensions finds what a runtime of a program's own needs language.js for; making it all costs more than a short run.
var usesExtensions = regexp.MustCompile(`groupBy|withResolvers|\.try\b|fromAsync|captureStackTrace|[dD]ispose|WellFormed|[gs]etYear|toGMTString|toLocale|localeCompare|asyncIterator|` +
	`\b(?:eval|Function)\b|function\s*\*|\*\s*\w+\s*\(|\*\s*\[|\.(?:values|entries|keys|matchAll)\s*\(|Symbol\.iterator`)

// extend adds to the language what goja lacks of it.
func (m *machine) extend() {
	f, err := m.js.RunProgram(language)
	if err != nil {
		panic(err) // our own program
	}
	extend, _ := goja.AssertFunction(f)
	if _, err := extend(goja.Undefined(), m.js.ToValue(m.localeNumber), m.js.ToValue(m.localeDate), m.js.ToValue(m.localeCompare)); err != nil {
		panic(err)
	}
}

// checkLocale refuses what is not known of a locale and of the names of options: to write another one than was asked for would
// be noticed late.
func (m *machine) checkLocale(function string, locale, options goja.Value, known map[string]bool) {
	if list, ok := locale.(*goja.Object); ok && list.ClassName() == "Array" {
		locale = list.Get("0")
	}
	if locale != nil && !goja.IsUndefined(locale) && !locales[locale.String()] {
		panic(m.newErrorOf("RangeError", function+" knows the locale en-US only, not "+locale.String()))
	}
	o, ok := options.(*goja.Object)
	if !ok {
		return
	}
	for _, name := range o.Keys() {
		if !known[name] && m.option(options, name) != nil {
			panic(m.newErrorOf("RangeError", function+" does not know the option "+name))
		}
	}
}

// choice returns an option that is one of a few words, else the first of them.
func (m *machine) choice(options goja.Value, name string, words ...string) string {
	v := m.option(options, name)
	if v == nil {
		return words[0]
	}
	for _, w := range words {
		if w != "" && v.String() == w {
			return w
		}
	}
	panic(m.newErrorOf("RangeError", "Value "+v.String()+" is not known for the option "+name+": it is one of "+
		strings.Trim(strings.Join(words, ", "), ", ")))
}

// option returns a member of the options of a call, nil if there is none.
func (m *machine) option(options goja.Value, name string) goja.Value {
	o, ok := options.(*goja.Object)
	if !ok {
		return nil
	}
	if v := o.Get(name); v != nil && !goja.IsUndefined(v) {
		return v
	}
	return nil
}

// newErrorOf makes an error of a built-in class.
func (m *machine) newErrorOf(class, message string) goja.Value {
	o, err := m.js.New(m.js.Get(class), m.js.ToValue(message))
	if err != nil {
		panic(rethrow(err))
	}
	return o
}
