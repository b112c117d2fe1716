package script

import (
	"fmt"

	"github.com/dop251/goja"
	"golang.org/x/text/collate"
	locale "golang.org/x/text/language"
)

// norwegian are languages whose alphabet is that of Danish, and which the tables do not have.
var norwegian = map[string]bool{"nb": true, "nn": true, "no": true}

var compareOptions = map[string]bool{"numeric": true, "sensitivity": true, "usage": true}

// localeCompare(a, b, locale, options) compares texts in the order of a language.
func (m *machine) localeCompare(call goja.FunctionCall) goja.Value {
	tag, options := locale.Und, call.Argument(3)
	if v := call.Argument(2); !goja.IsUndefined(v) {
		if list, ok := v.(*goja.Object); ok && list.ClassName() == "Array" {
			v = list.Get("0")
		}
		if v != nil {
			named, err := locale.Parse(v.String())
			if err != nil {
				panic(m.newErrorOf("RangeError", "Incorrect locale information provided"))
			}
			tag = named
			if base, _ := named.Base(); norwegian[base.String()] {
				tag = locale.Danish
			}
		}
	}
	m.checkLocale("localeCompare", goja.Undefined(), options, compareOptions)
	var how []collate.Option
	numeric := false
	if v := m.option(options, "numeric"); v != nil && v.ToBoolean() {
		numeric = true
		how = append(how, collate.Numeric)
	}
	sensitivity := m.choice(options, "sensitivity", "variant", "base", "accent", "case")
	switch sensitivity {
	case "base":
		how = append(how, collate.IgnoreCase, collate.IgnoreDiacritics)
	case "accent":
		how = append(how, collate.IgnoreCase)
	case "case":
		how = append(how, collate.IgnoreDiacritics)
	}
	order := m.collator(fmt.Sprint(tag, sensitivity, numeric), func() *collate.Collator { return collate.New(tag, how...) })
	return m.js.ToValue(order.CompareString(call.Argument(0).String(), call.Argument(1).String()))
}

const maxCollators = 16

// collator keeps what it makes: sorting asks for the same again and again.
func (m *machine) collator(key string, create func() *collate.Collator) *collate.Collator {
	c := m.collators[key]
	if c == nil {
		if c = create(); m.collators == nil || len(m.collators) >= maxCollators {
			m.collators = map[string]*collate.Collator{}
		}
		m.collators[key] = c
	}
	return c
}
