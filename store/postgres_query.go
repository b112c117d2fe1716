package store

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/tidwall/gjson"
)

func (n allOf) postgres(s *statement, on string) string { return joined(n, " AND ", "true", s, on) }

func (n anyOf) postgres(s *statement, on string) string { return joined(n, " OR ", "false", s, on) }

func joined(parts []node, with, none string, s *statement, on string) string {
	if len(parts) == 0 {
		return none
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.postgres(s, on)
	}
	return "(" + strings.Join(texts, with) + ")"
}

// IS NOT TRUE, as the operators on paths are unknown, not false, where a path leads nowhere.
func (n not) postgres(s *statement, on string) string {
	return "(" + n.node.postgres(s, on) + ") IS NOT TRUE"
}

func (n oneOf) postgres(s *statement, on string) string {
	if on == "body" && n.path.isID() { // its column has the primary key
		ids := texts(n.values)
		if len(ids) == 1 {
			return "id = " + s.bind(ids[0])
		}
		return "id = ANY(" + s.bind(ids) + "::text[])"
	}
	var scalars, alternatives []string
	for _, v := range n.values {
		switch {
		case v.Type == gjson.JSON:
			alternatives = append(alternatives, n.whole(v, s, on))
		case v.Type == gjson.Null:
			alternatives = append(alternatives, not{exists{n.path}}.postgres(s, on))
			fallthrough
		default:
			scalars = append(scalars, "@ == "+literal(v))
		}
	}
	if scalars != nil {
		alternatives = append(alternatives, n.path.test(strings.Join(scalars, " || "), s, on))
	}
	if alternatives == nil {
		return "false"
	}
	return "(" + strings.Join(alternatives, " OR ") + ")"
}

// whole compares with an array or object: the value itself or the elements of an array.
func (n oneOf) whole(v gjson.Result, s *statement, on string) string {
	wanted := s.bind(v.Raw)
	table, item := n.path.from(s, on, "")
	itself := fmt.Sprintf("EXISTS (SELECT FROM %s WHERE %s = %s::jsonb)", table, item, wanted)
	if len(n.path) == 0 {
		return itself
	}
	table, item = n.path.elements(s, on)
	return itself + fmt.Sprintf(" OR EXISTS (SELECT FROM %s WHERE %s = %s::jsonb)", table, item, wanted)
}

// values is the jsonpath to the values at the path.
func (p path) values() string {
	if len(p) == 0 {
		return "strict $"
	}
	return p.jsonpath()
}

// test returns a condition that holds if a value at the path, or an element of an array there, passes the filter.
// A filter goes into an array by itself, and then its comparisons into an array in that; the second is not ours.
func (p path) test(filter string, s *statement, on string) string {
	return p.some(s, on, ` ? (@.type() != "array" && (`+filter+`))`)
}

// some returns a condition that holds if the path, with a filter behind it, leads to anything.
func (p path) some(s *statement, on, filter string) string {
	if p.indexed() {
		table, _ := p.from(s, on, filter)
		return fmt.Sprintf("EXISTS (SELECT FROM %s)", table)
	}
	return fmt.Sprintf("%s @? %s::jsonpath", on, s.bind(p.values()+filter))
}

// from returns a table of what the path, with a filter behind it, leads to, and the name of its column. A number goes
// both to an array's element and to a field of that name, which no jsonpath can say: the path is cut there.
func (p path) from(s *statement, on, filter string) (table, item string) {
	rest := p
	values := p.values()
	for i, name := range p {
		n, ok := indexOf(name)
		if !ok {
			continue
		}
		before := rest[:len(rest)-len(p)+i]
		v, w := s.alias(), s.alias()
		table += fmt.Sprintf("jsonb_path_query(%s, %s::jsonpath, '{}', true) AS %s(v), LATERAL ("+
			"SELECT %[3]s.v -> %[4]d WHERE jsonb_typeof(%[3]s.v) = 'array' AND jsonb_array_length(%[3]s.v) > %[4]d"+
			" UNION ALL SELECT f FROM jsonb_path_query(%[3]s.v, %[5]s::jsonpath, '{}', true) AS f) AS %[6]s(v), ",
			on, s.bind(before.values()), v, n, s.bind(path{name}.jsonpath()), w)
		on, rest = w+".v", p[i+1:]
		values = rest.jsonpath()
	}
	x := s.alias()
	table += fmt.Sprintf("jsonb_path_query(%s, %s::jsonpath, '{}', true) AS %s(v)", on, s.bind(values+filter), x)
	return table, x + ".v"
}

// elements returns a table of the elements of arrays at the path, and the name of its column.
func (p path) elements(s *statement, on string) (table, item string) {
	arrays, array := p.from(s, on, "")
	x := s.alias()
	table = fmt.Sprintf("%s, jsonb_array_elements(CASE jsonb_typeof(%s) WHEN 'array' THEN %[2]s ELSE '[]' END) AS %[3]s(v)",
		arrays, array, x)
	return table, x + ".v"
}

func (n compare) postgres(s *statement, on string) string {
	var tests []string
	for _, t := range n.tests {
		kind := "number"
		if t.operand.Type == gjson.String {
			kind = "string"
		}
		tests = append(tests, fmt.Sprintf(`@.type() == "%s" && @ %s %s`, kind, t.operator, literal(t.operand)))
	}
	return n.path.test(strings.Join(tests, " && "), s, on)
}

func (n exists) postgres(s *statement, on string) string {
	return n.path.some(s, on, "")
}

func (n like) postgres(s *statement, on string) string {
	table, item := n.path.from(s, on, ` ? (@.type() == "string")`)
	return fmt.Sprintf("EXISTS (SELECT FROM %s WHERE (%s #>> '{}') ~ %s)", table, item, s.bind(n.pattern))
}

func (n element) postgres(s *statement, on string) string {
	table, item := n.path.elements(s, on)
	condition := n.condition.postgres(s, item)
	if n.objects {
		condition = fmt.Sprintf("jsonb_typeof(%s) = 'object' AND %s", item, condition)
	}
	return fmt.Sprintf("EXISTS (SELECT FROM %s WHERE %s)", table, condition)
}

// literal returns a scalar in PostgreSQL's jsonpath, which spells them as JSON does.
func literal(v gjson.Result) string {
	if v.Type == gjson.String {
		return quote(v.Str)
	}
	return v.Raw
}

func quote(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(b)
}
