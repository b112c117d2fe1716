package script

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/dop251/goja"
	"github.com/dop251/goja/ast"
)

// goja takes \p{…} in a regular expression for something else. In literals it is written out as the ranges that it
// stands for; what is not known is told when a file is checked, as is every expression that goja refuses.

var unicodeProperty = regexp.MustCompile(`\\([pP])\{([^{}]*)\}`)

// literal looks at a regular expression, and writes its Unicode properties out.
func (g *gapFinder) literal(n *ast.RegExpLiteral) {
	if strings.Contains(n.Flags, "u") {
		pattern, err := withoutProperties(n.Pattern)
		if err != "" {
			g.add(n.Idx, "%s", err)
			return
		}
		g.rewrote = g.rewrote || pattern != n.Pattern
		n.Pattern = pattern
	}
	if err := checkRegExp(n.Pattern, n.Flags); err != "" {
		g.add(n.Idx, "%s", err)
	}
}

// checkRegExp returns why goja does not take an expression.
func checkRegExp(pattern, flags string) string {
	js := goja.New()
	_, err := js.New(js.Get("RegExp"), js.ToValue(pattern), js.ToValue(flags))
	if err != nil {
		return advice(strings.TrimPrefix(firstLine(err), "SyntaxError: "))
	}
	return ""
}

// withoutProperties writes the properties of a pattern out.
func withoutProperties(pattern string) (out, problem string) {
	var b strings.Builder
	inClass := false
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '\\' && i+1 < len(pattern) && (pattern[i+1] == 'p' || pattern[i+1] == 'P'):
			m := unicodeProperty.FindStringSubmatch(pattern[i:])
			if m == nil || !strings.HasPrefix(pattern[i:], m[0]) {
				return "", `\p stands before the name of a property in braces, such as \p{L}`
			}
			table, ok := propertyNamed(m[2])
			if !ok {
				return "", fmt.Sprintf(`the property \p{%s} is not known: general categories, scripts, Alphabetic, Uppercase, Lowercase, `+
					"White_Space, ASCII and Any are; write the characters out", m[2])
			}
			ranges := rangesOf(table, m[1] == "P")
			if inClass {
				b.WriteString(ranges)
			} else {
				b.WriteString("[" + ranges + "]")
			}
			i += len(m[0]) - 1
		case c == '\\':
			b.WriteByte(c)
			if i++; i < len(pattern) {
				b.WriteByte(pattern[i])
			}
		default:
			inClass = c == '[' || inClass && c != ']'
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

// propertyNamed returns the characters that have a property.
func propertyNamed(name string) (func(rune) bool, bool) {
	key, value, named := strings.Cut(name, "=")
	if named {
		switch key {
		case "General_Category", "gc":
			return categoryNamed(value)
		case "Script", "sc":
			table, ok := unicode.Scripts[value]
			return in(table), ok
		}
		return nil, false
	}
	switch name {
	case "Any":
		return func(rune) bool { return true }, true
	case "ASCII":
		return func(r rune) bool { return r < 0x80 }, true
	case "Alphabetic", "Alpha":
		return in(unicode.L, unicode.Nl, unicode.Other_Alphabetic), true
	case "Uppercase", "Upper":
		return in(unicode.Lu, unicode.Other_Uppercase), true
	case "Lowercase", "Lower":
		return in(unicode.Ll, unicode.Other_Lowercase), true
	}
	if table, ok := unicode.Properties[name]; ok {
		return in(table), true
	}
	return categoryNamed(name)
}

func in(tables ...*unicode.RangeTable) func(rune) bool {
	return func(r rune) bool { return unicode.In(r, tables...) }
}

// categories are the long names of general categories.
var categories = map[string]string{
	"Letter": "L", "Cased_Letter": "LC", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Titlecase_Letter": "Lt",
	"Modifier_Letter": "Lm", "Other_Letter": "Lo", "Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc",
	"Enclosing_Mark": "Me", "Number": "N", "Decimal_Number": "Nd", "digit": "Nd", "Letter_Number": "Nl", "Other_Number": "No",
	"Punctuation": "P", "punct": "P", "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps",
	"Close_Punctuation": "Pe", "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf", "Other_Punctuation": "Po",
	"Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc", "Modifier_Symbol": "Sk", "Other_Symbol": "So",
	"Separator": "Z", "Space_Separator": "Zs", "Line_Separator": "Zl", "Paragraph_Separator": "Zp",
	"Control": "Cc", "Format": "Cf",
}

func categoryNamed(name string) (func(rune) bool, bool) {
	if short := categories[name]; short != "" {
		name = short
	}
	if name == "LC" {
		return in(unicode.Lu, unicode.Ll, unicode.Lt), true
	}
	if name == "C" || name == "Cn" || name == "Other" {
		return nil, false // what is not assigned is no table
	}
	table, ok := unicode.Categories[name]
	return in(table), ok
}

// rangesOf writes the characters that have a property, or have it not, as ranges of a class.
func rangesOf(has func(rune) bool, not bool) string {
	var b strings.Builder
	start := rune(-1)
	for r := rune(0); r <= unicode.MaxRune+1; r++ {
		belongs := r <= unicode.MaxRune && has(r) != not
		switch {
		case belongs && start < 0:
			start = r
		case !belongs && start >= 0:
			fmt.Fprintf(&b, `\u{%x}`, start)
			if r-1 > start {
				fmt.Fprintf(&b, `-\u{%x}`, r-1)
			}
			start = -1
		}
	}
	return b.String()
}
