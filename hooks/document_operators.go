package hooks

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// updateOperators say what becomes of a value, nil if there is none, by the operator and its operand. Their errors go on
// after the name of the operator and the field.
var updateOperators = map[string]func(old json.RawMessage, operand gjson.Result) (json.RawMessage, error){
	"$set": func(_ json.RawMessage, operand gjson.Result) (json.RawMessage, error) {
		return json.RawMessage(operand.Raw), nil
	},
	"$unset": func(json.RawMessage, gjson.Result) (json.RawMessage, error) { return nil, nil },
	"$inc":   increment,
	"$push": func(old json.RawMessage, operand gjson.Result) (json.RawMessage, error) {
		return push(old, operand, false)
	},
	"$addToSet": func(old json.RawMessage, operand gjson.Result) (json.RawMessage, error) {
		return push(old, operand, true)
	},
	"$pull": pull,
}

// increment adds exactly, also beyond what 64 bits can hold. A number may stand in quotes.
func increment(old json.RawMessage, operand gjson.Result) (json.RawMessage, error) {
	by, ok := exact(operand)
	if !ok {
		return nil, Errorf(CodeBadRequest, "takes a number")
	}
	was := gjson.ParseBytes(old)
	sum := new(big.Rat)
	if was.Type != gjson.Null {
		if was.Type != gjson.Number {
			return nil, Errorf(CodeBadRequest, "is for a number, and something else is there")
		}
		if sum, ok = exact(was); !ok {
			return nil, Errorf(CodeBadRequest, "is for a number that is smaller than the one there")
		}
	}
	sum.Add(sum, by)
	if sum.IsInt() {
		return sum.Num().Append(nil, 10), nil
	}
	digits, _ := sum.FloatPrec() // decimal fractions end
	return []byte(sum.FloatString(digits)), nil
}

// maxExact bounds the digits and the exponent of numbers that are added up.
const maxExact = 1000

// exact reads a number, or a text that is one.
func exact(v gjson.Result) (*big.Rat, bool) {
	if v.Type == gjson.String && gjson.Valid(v.Str) {
		v = gjson.Parse(v.Str)
	}
	if v.Type != gjson.Number || len(v.Raw) > maxExact {
		return nil, false
	}
	if i := strings.IndexAny(v.Raw, "eE"); i >= 0 {
		if n, err := strconv.Atoi(v.Raw[i+1:]); err != nil || n > maxExact || n < -maxExact {
			return nil, false
		}
	}
	return new(big.Rat).SetString(v.Raw)
}

// push appends to a list, or makes one: the operand, or each of {"$each": […]}; with once only what is not there yet.
func push(old json.RawMessage, operand gjson.Result, once bool) (json.RawMessage, error) {
	there := gjson.ParseBytes(old)
	if !there.IsArray() && there.Type != gjson.Null {
		return nil, Errorf(CodeBadRequest, "is for a list, and something else is there")
	}
	values := []gjson.Result{operand}
	if name := operatorOf(operand); name != "" {
		each := operand.Get(`\$each`)
		if name != "$each" || !each.IsArray() || len(operand.Map()) > 1 {
			return nil, Errorf(CodeBadRequest, "takes a value, or {\"$each\": [values]} and no other operator")
		}
		values = each.Array()
	}
	items := there.Array()
	if there.Type == gjson.Null {
		items = nil
	}
	for _, v := range values {
		if !once || !slices.ContainsFunc(items, func(item gjson.Result) bool { return sameValue(item, v) }) {
			items = append(items, v)
		}
	}
	return rawList(items), nil
}

// pull takes out of a list what equals the operand, what has all fields of the operand if that is an object, or what is
// among {"$in": […]}.
func pull(old json.RawMessage, operand gjson.Result) (json.RawMessage, error) {
	there := gjson.ParseBytes(old)
	switch {
	case old == nil || there.Type == gjson.Null:
		return old, nil
	case !there.IsArray():
		return nil, Errorf(CodeBadRequest, "is for a list, and something else is there")
	}
	wanted := []gjson.Result{operand}
	if name := operatorOf(operand); name != "" {
		among := operand.Get(`\$in`)
		if name != "$in" || !among.IsArray() || len(operand.Map()) > 1 {
			return nil, Errorf(CodeBadRequest, "takes a value, an object of fields, or {\"$in\": [values]} and no other operator")
		}
		wanted = among.Array()
	}
	items := slices.DeleteFunc(there.Array(), func(item gjson.Result) bool {
		return slices.ContainsFunc(wanted, func(w gjson.Result) bool { return sameValue(item, w) || hasFields(item, w) })
	})
	return rawList(items), nil
}

// operatorOf is the first key of an object if that is an operator.
func operatorOf(v gjson.Result) (name string) {
	if v.IsObject() {
		v.ForEach(func(k, _ gjson.Result) bool {
			name = k.Str
			return false
		})
	}
	if !strings.HasPrefix(name, "$") {
		return ""
	}
	return name
}

func rawList(items []gjson.Result) json.RawMessage {
	raws := make([]json.RawMessage, len(items))
	for i, item := range items {
		raws[i] = json.RawMessage(item.Raw)
	}
	return list(raws)
}

// hasFields tells whether an object has all fields of another, with the same values.
func hasFields(object, of gjson.Result) bool {
	if !object.IsObject() || !of.IsObject() {
		return false
	}
	members, all := object.Map(), true
	of.ForEach(func(k, v gjson.Result) bool {
		there, ok := members[k.Str]
		all = ok && sameValue(there, v)
		return all
	})
	return all
}

// sameValue compares numbers by value, and objects whatever the order of their fields.
func sameValue(a, b gjson.Result) bool {
	switch {
	case a.Type == gjson.Number && b.Type == gjson.Number:
		x, okX := exact(a)
		y, okY := exact(b)
		return a.Raw == b.Raw || okX && okY && x.Cmp(y) == 0
	case a.IsArray() && b.IsArray():
		return slices.EqualFunc(a.Array(), b.Array(), sameValue)
	case a.IsObject() && b.IsObject():
		return len(a.Map()) == len(b.Map()) && hasFields(a, b)
	}
	return a.Type == b.Type && a.Type != gjson.JSON && a.Str == b.Str
}
