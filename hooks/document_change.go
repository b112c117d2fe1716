package hooks

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// changeSet is what a PUT or PATCH sets, its operators carried out.
type changeSet struct {
	body  document
	unset []string // top-level fields that a PATCH removes, which body has as null
}

// operator is the name of the first operator among the fields, or "".
func (d document) operator() string {
	for _, f := range d {
		if strings.HasPrefix(f.name, "$") {
			return f.name
		}
	}
	return ""
}

// expand carries out the operators of a body on the stored document d. Of a PUT with operators that is the whole document
// as it would be, of a PATCH the fields that it sets or changes. Without operators it is the body.
func (d document) expand(body document, operation string) (changeSet, error) {
	if body.operator() == "" {
		return changeSet{body: body}, nil
	}
	changed := d.without(serverFields...)
	var touched []string
	for _, f := range body {
		if !strings.HasPrefix(f.name, "$") && !slices.Contains(serverFields, f.name) {
			changed.set(f.name, f.value)
			touched = append(touched, f.name)
		}
	}
	for _, f := range body {
		if !strings.HasPrefix(f.name, "$") {
			continue
		}
		names, err := changed.operate(f.name, gjson.ParseBytes(f.value))
		if err != nil {
			return changeSet{}, err
		}
		touched = append(touched, names...)
	}
	if operation == "PUT" {
		return changeSet{body: changed}, nil
	}
	var set changeSet
	for _, name := range touched {
		if value := changed.get(name); value != nil {
			set.body.set(name, value)
		} else {
			set.body.set(name, json.RawMessage("null"))
			set.unset = append(set.unset, name)
		}
	}
	return set, nil
}

// applied is the stored document d with the change made.
func (s *changeSet) applied(d document, operation string) document {
	if operation == "PUT" {
		return s.body
	}
	merged := d.unsigned().merge(s.body)
	for _, name := range s.unset {
		if string(s.body.get(name)) == "null" {
			merged = merged.without(name)
		}
	}
	return merged
}

// operate carries out one operator, and returns the top-level fields that it is about.
func (d *document) operate(operator string, operands gjson.Result) (touched []string, err error) {
	change, ok := updateOperators[operator]
	switch {
	case !ok:
		return nil, Errorf(CodeBadRequest, "operator %.40s is not supported; use $set, $unset, $inc, $push, $addToSet or $pull", operator)
	case operator == "$unset" && operands.IsArray(): // a list of names does too
		names := document{}
		for _, name := range operands.Array() {
			names.set(name.String(), json.RawMessage("1"))
		}
		operands = gjson.ParseBytes(names.raw())
	case !operands.IsObject():
		return nil, Errorf(CodeBadRequest, "%s takes an object such as {\"field\": value}", operator)
	}
	operands.ForEach(func(k, operand gjson.Result) bool {
		at := strings.Split(k.Str, ".")
		switch {
		case slices.Contains(at, "") || strings.HasPrefix(k.Str, "$") || len(at) > maxUpdatePath:
			err = Errorf(CodeBadRequest, "%s: %.100q is not the path of a field", operator, k.Str)
			return false
		case slices.Contains(serverFields, at[0]):
			err = Errorf(CodeBadRequest, "%s: only the server sets %s", operator, at[0])
			return false
		}
		var value json.RawMessage
		value, err = alter(d.get(at[0]), at[1:], func(old json.RawMessage) (json.RawMessage, error) { return change(old, operand) })
		if err != nil {
			e := AsError(err)
			err = Errorf(e.Code, "%s of field %.100q %s", operator, k.Str, e.Message)
			return false
		}
		switch {
		case value != nil:
			d.set(at[0], value)
		case d.get(at[0]) == nil: // what is to be removed is not there
			return true
		default:
			*d = d.without(at[0])
		}
		touched = append(touched, at[0])
		return true
	})
	return touched, err
}

const maxUpdatePath = 16

// alter changes what is at a path in a value, and makes the objects on the way; nil stands for nothing.
func alter(raw json.RawMessage, at []string, change func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	if len(at) == 0 {
		return change(raw)
	}
	v := gjson.ParseBytes(raw)
	switch {
	case v.IsArray():
		return alterElement(v, at, change)
	case !v.IsObject() && v.Type != gjson.Null:
		return nil, Errorf(CodeBadRequest, "leads through a value that is neither an object nor a list")
	}
	d := document{}
	if v.IsObject() {
		var err error
		if d, err = parseDocument(raw, "a field"); err != nil {
			return nil, err
		}
	}
	old := d.get(at[0])
	value, err := alter(old, at[1:], change)
	switch {
	case err != nil:
		return nil, err
	case value == nil && old == nil:
		return raw, nil
	case value == nil:
		return d.without(at[0]).raw(), nil
	}
	d.set(at[0], value)
	return d.raw(), nil
}

// alterElement changes an element of a list; one that is removed leaves null, so that the others keep their places.
func alterElement(v gjson.Result, at []string, change func(json.RawMessage) (json.RawMessage, error)) (json.RawMessage, error) {
	items := rawItems(v)
	i, err := strconv.Atoi(at[0])
	if err != nil || i < 0 || i >= len(items) {
		return nil, Errorf(CodeBadRequest, "leads to %.40q of a list with %d elements", at[0], len(items))
	}
	if items[i], err = alter(items[i], at[1:], change); err != nil {
		return nil, err
	}
	if items[i] == nil {
		items[i] = json.RawMessage("null")
	}
	return list(items), nil
}

func rawItems(v gjson.Result) []json.RawMessage {
	var items []json.RawMessage
	for _, item := range v.Array() {
		items = append(items, json.RawMessage(item.Raw))
	}
	return items
}
