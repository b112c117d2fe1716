package store

import (
	"cmp"
	"math/big"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// rank orders values of different types: nothing and null, numbers, strings, objects, arrays, booleans.
func rank(v gjson.Result) int {
	switch {
	case v.Type == gjson.Number:
		return 1
	case v.Type == gjson.String:
		return 2
	case v.IsObject():
		return 3
	case v.IsArray():
		return 4
	case v.IsBool():
		return 5
	}
	return 0
}

// order compares two values for sorting. All objects are equal here, and so are all arrays.
func order(a, b gjson.Result) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	if a.Type == gjson.JSON {
		return 0
	}
	return compareScalars(a, b)
}

// compareScalars compares two numbers by value, two strings by code point, or two booleans, false first.
func compareScalars(a, b gjson.Result) int {
	switch a.Type {
	case gjson.Number:
		return compareNumbers(a.Raw, b.Raw)
	case gjson.String:
		return strings.Compare(a.Str, b.Str)
	}
	return cmp.Compare(boolean(a), boolean(b))
}

func boolean(v gjson.Result) int {
	if v.Type == gjson.True {
		return 1
	}
	return 0
}

// compareNumbers compares JSON numbers exactly, as PostgreSQL does, whatever their size.
func compareNumbers(a, b string) int {
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return rational(a).Cmp(rational(b))
}

// rational returns a number that [checkJSON] has let through.
func rational(number string) *big.Rat {
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return new(big.Rat)
	}
	return r
}

// equal tells whether two values are the same: numbers by value, objects whatever the order of their fields. Nothing
// equals null.
func equal(a, b gjson.Result) bool {
	if rank(a) != rank(b) {
		return false
	}
	switch {
	case a.IsArray():
		return equalArrays(a.Array(), b.Array())
	case a.IsObject():
		return equalObjects(fields(a), fields(b))
	}
	return compareScalars(a, b) == 0
}

func equalArrays(a, b []gjson.Result) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalObjects(a, b map[string]gjson.Result) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		if other, ok := b[name]; !ok || !equal(v, other) {
			return false
		}
	}
	return true
}

// fields returns the fields of an object; of several with one name the last.
func fields(object gjson.Result) map[string]gjson.Result {
	m := map[string]gjson.Result{}
	object.ForEach(func(k, v gjson.Result) bool {
		m[k.Str] = v
		return true
	})
	return m
}
