package store

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Bounds of a query, so that none is expensive to read or to plan.
const (
	maxQuery      = 256 << 10 // bytes
	maxConditions = 1000      // operators, fields and values together
	maxNesting    = 24
	maxPath       = 16 // names
)

// parseQuery reads a query; nil and null select everything. distinct is the path of its $distinct, if it has one. The
// error is a BAD_REQUEST that names the operator.
func parseQuery(raw json.RawMessage, now time.Time) (n node, distinct path, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return allOf(nil), nil, nil
	}
	if len(raw) > maxQuery {
		return nil, nil, hooks.Errorf(hooks.CodeTooLarge, "the query has more than %d bytes", maxQuery)
	}
	if err := checkJSON(raw, "the query"); err != nil {
		return nil, nil, err
	}
	p := &parser{now: now}
	n, err = p.object(gjson.ParseBytes(raw))
	return n, p.distinct, err
}

type parser struct {
	now        time.Time // what $currentDate stands for
	distinct   path
	conditions int
	nesting    int
}

// enter counts a condition and a level; the caller leaves the level with leave.
func (p *parser) enter() error {
	p.conditions++
	p.nesting++
	switch {
	case p.conditions > maxConditions:
		return hooks.Errorf(hooks.CodeBadRequest, "the query has more than %d conditions", maxConditions)
	case p.nesting > maxNesting:
		return hooks.Errorf(hooks.CodeBadRequest, "the query is nested deeper than %d", maxNesting)
	}
	return nil
}

func (p *parser) leave() { p.nesting-- }

// object reads {field: condition, …}, of which all must hold.
func (p *parser) object(v gjson.Result) (allOf, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var all allOf
	var err error
	v.ForEach(func(k, v gjson.Result) bool {
		var n node
		switch {
		case k.Str == "$distinct" && p.nesting == 1:
			p.distinct, err = parseDistinct(v)
			return err == nil
		case strings.HasPrefix(k.Str, "$"):
			n, err = p.logical(k.Str, v)
		default:
			n, err = p.field(k.Str, v)
		}
		all = append(all, n)
		return err == nil
	})
	return all, err
}

// logical reads what stands in place of a field.
func (p *parser) logical(operator string, v gjson.Result) (node, error) {
	switch {
	case operator != "$and" && operator != "$or":
		return nil, unknown(operator)
	case !v.IsArray() || len(v.Array()) == 0:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%s takes a list of queries", operator)
	}
	var parts []node
	for _, item := range v.Array() {
		if !item.IsObject() {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "%s takes a list of queries", operator)
		}
		n, err := p.object(item)
		if err != nil {
			return nil, err
		}
		parts = append(parts, n)
	}
	if operator == "$or" {
		return anyOf(parts), nil
	}
	return allOf(parts), nil
}

// field reads a condition on a field: operators, or the value it must have.
func (p *parser) field(name string, v gjson.Result) (node, error) {
	at, ok := fieldPath(name)
	if !ok {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%.100q is not the path of a field", name)
	}
	return p.condition(at, v)
}

func (p *parser) condition(at path, v gjson.Result) (node, error) {
	if _, isDate := dateOf(v); hasOperators(v) && !isDate {
		return p.operators(at, v)
	}
	return p.equals(at, "equality", v)
}

// hasOperators tells whether v is an object with a key that can only be an operator.
func hasOperators(v gjson.Result) (found bool) {
	if v.IsObject() {
		v.ForEach(func(k, _ gjson.Result) bool {
			found = strings.HasPrefix(k.Str, "$")
			return !found
		})
	}
	return found
}

// equals reads the values of which a field must have one.
func (p *parser) equals(at path, operator string, values ...gjson.Result) (node, error) {
	if p.conditions += len(values); p.conditions > maxConditions {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "%s of field %.100q: the query has more than %d conditions",
			operator, at, maxConditions)
	}
	literals := make([]gjson.Result, len(values))
	for i, v := range values {
		var err error
		if literals[i], err = p.literal(v); err != nil {
			return nil, err
		}
	}
	return oneOf{at, literals}, nil
}

// checkLiteral refuses values that were meant as an operator.
func checkLiteral(v gjson.Result) (err error) {
	switch v.Str {
	case "$currentDate", "$currentMonth", "$currentYear":
		return hooks.Errorf(hooks.CodeBadRequest, "%s cannot stand inside a value", v.Str)
	}
	if v.Type == gjson.JSON {
		v.ForEach(func(k, item gjson.Result) bool {
			if strings.HasPrefix(k.Str, "$") {
				err = hooks.Errorf(hooks.CodeBadRequest, "operator %.40s cannot stand inside a value", k.Str)
			} else {
				err = checkLiteral(item)
			}
			return err == nil
		})
	}
	return err
}

func unknown(operator string) error {
	return hooks.Errorf(hooks.CodeBadRequest, "operator %.40s is not supported", operator)
}

func wrong(operator string, at path, takes string) error {
	return hooks.Errorf(hooks.CodeBadRequest, "%s of field %.100q takes %s", operator, at, takes)
}
