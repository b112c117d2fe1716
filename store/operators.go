package store

import (
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// operators reads {$operator: operand, …} of a field, of which all must hold.
func (p *parser) operators(at path, v gjson.Result) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var all allOf
	var err error
	v.ForEach(func(k, operand gjson.Result) bool {
		if k.Str == "$options" {
			if !v.Get("$regex").Exists() {
				err = hooks.Errorf(hooks.CodeBadRequest, "$options of field %.100q needs a $regex beside it", at)
			}
			return err == nil
		}
		var n node
		if k.Str == "$regex" {
			n, err = p.regex(at, operand, v.Get("$options"))
		} else {
			n, err = p.operator(at, k.Str, operand)
		}
		all = append(all, n)
		return err == nil
	})
	if len(all) == 1 {
		return all[0], err
	}
	return all, err
}

func (p *parser) operator(at path, operator string, operand gjson.Result) (node, error) {
	switch operator {
	case "$gt":
		return p.compare(at, operator, []string{">"}, operand)
	case "$gte":
		return p.compare(at, operator, []string{">="}, operand)
	case "$lt":
		return p.compare(at, operator, []string{"<"}, operand)
	case "$lte":
		return p.compare(at, operator, []string{"<="}, operand)
	case "$eq":
		return p.equals(at, operator, operand)
	case "$ne":
		n, err := p.equals(at, operator, operand)
		return not{n}, err
	case "$not":
		n, err := p.condition(at, operand)
		return not{n}, err
	case "$in", "$nin":
		return p.in(at, operator, operand)
	case "$bt":
		if pair := operand.Array(); operand.IsArray() && len(pair) == 2 {
			n, err := p.compare(at, operator, []string{">=", "<="}, pair...)
			if c, ok := n.(compare); !ok || c.tests[0].operand.Type == c.tests[1].operand.Type {
				return n, err
			}
		}
		return nil, wrong(operator, at, "a list [from, to] of two numbers or two strings")
	case "$exists":
		return p.exists(at, operand)
	case "$elemMatch":
		return p.element(at, operand)
	}
	if !strings.HasPrefix(operator, "$") {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "field %.100q mixes operators with the plain key %.40q", at, operator)
	}
	return nil, unknown(operator)
}

func (p *parser) compare(at path, operator string, operators []string, operands ...gjson.Result) (node, error) {
	n := compare{path: at}
	for i, operand := range operands {
		operand, err := p.literal(operand)
		if err != nil {
			return nil, err
		}
		if operand.Type != gjson.Number && operand.Type != gjson.String {
			return nil, wrong(operator, at, "a number or a string")
		}
		n.tests = append(n.tests, test{operators[i], operand})
	}
	return n, nil
}

func (p *parser) in(at path, operator string, operand gjson.Result) (node, error) {
	if !operand.IsArray() {
		return nil, wrong(operator, at, "a list of values")
	}
	n, err := p.equals(at, operator, operand.Array()...)
	if operator == "$nin" {
		return not{n}, err
	}
	return n, err
}

func (p *parser) exists(at path, operand gjson.Result) (node, error) {
	if !operand.IsBool() {
		return nil, wrong("$exists", at, "true or false")
	}
	if operand.Type == gjson.False {
		return not{exists{at}}, nil
	}
	return exists{at}, nil
}

// element reads a query on the fields of elements, or operators on elements themselves.
func (p *parser) element(at path, operand gjson.Result) (node, error) {
	if !operand.IsObject() {
		return nil, wrong("$elemMatch", at, "a query or operators")
	}
	if name := firstKey(operand); strings.HasPrefix(name, "$") && name != "$and" && name != "$or" {
		n, err := p.operators(nil, operand)
		return element{path: at, condition: n}, err
	}
	n, err := p.object(operand)
	return element{path: at, condition: n, objects: true}, err
}

func firstKey(object gjson.Result) (name string) {
	object.ForEach(func(k, _ gjson.Result) bool {
		name = k.Str
		return false
	})
	return name
}

func (p *parser) regex(at path, pattern, options gjson.Result) (node, error) {
	if pattern.Type != gjson.String {
		return nil, wrong("$regex", at, "a string")
	}
	if options.Exists() && (options.Type != gjson.String || strings.Trim(options.Str, "ims") != "") {
		return nil, wrong("$options", at, "a string of the letters i, m and s")
	}
	n, err := parseRegex(pattern.Str, options.Str)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$regex of field %.100q: %s", at, err)
	}
	n.path = at
	return n, nil
}
