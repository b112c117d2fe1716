package store

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// node is one condition of a query: it says whether a value matches, and how PostgreSQL finds out.
type node interface {
	matches(v gjson.Result) bool
	// postgres returns a condition on the jsonb expression on.
	postgres(s *statement, on string) string
}

// allOf holds if each of its conditions does; without conditions it always does.
type allOf []node

// anyOf holds if one of its conditions does.
type anyOf []node

// not holds if its condition does not.
type not struct{ node }

// oneOf holds if a value at path, or an element of an array there, equals one of the values. null also equals a path
// where nothing is.
type oneOf struct {
	path   path
	values []gjson.Result
}

// compare holds if one value at path, or one element of an array there, passes all tests.
type compare struct {
	path  path
	tests []test
}

// test compares with a number or a string; values of other types do not pass.
type test struct {
	operator string // >, >=, < or <=
	operand  gjson.Result
}

// exists holds if something, be it null, is at path.
type exists struct{ path path }

// like holds if a string at path, or in an array there, contains a match.
type like struct {
	path    path
	regex   *regexp.Regexp
	pattern string // the same for PostgreSQL
}

// element holds if path has an array with an element for which the condition holds.
type element struct {
	path      path
	condition node
	objects   bool // the condition is on the fields of elements, so that only objects can match
}

// path leads from an object to its fields' fields. Where it meets an array it goes on in each object of the array, and
// with a number also in the element at that place. The empty path is the value itself.
type path []string

func (p path) String() string { return strings.Join(p, ".") }

// isID tells whether the path is that of a document's id.
func (p path) isID() bool { return len(p) == 1 && p[0] == "_id" }

// each calls yield with the values at the path until it returns false, and returns false then.
func (p path) each(v gjson.Result, yield func(gjson.Result) bool) bool {
	switch {
	case len(p) == 0:
		return yield(v)
	case v.IsObject():
		f, ok := member(v, p[0])
		return !ok || p[1:].each(f, yield)
	case v.IsArray():
		going := true
		if item, ok := at(v, p[0]); ok {
			going = p[1:].each(item, yield)
		}
		v.ForEach(func(_, item gjson.Result) bool {
			if going && item.IsObject() {
				going = p.each(item, yield)
			}
			return going
		})
		return going
	}
	return true
}

// maxIndex is how many digits the number of an element may have.
const maxIndex = 9

// indexOf reads a name of a path that can be the number of an array's element.
func indexOf(name string) (n int, ok bool) {
	if name == "" || len(name) > maxIndex || strings.Trim(name, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(name)
	return n, err == nil
}

// indexed tells whether the path has such a name.
func (p path) indexed() bool {
	return slices.ContainsFunc(p, func(name string) bool {
		_, ok := indexOf(name)
		return ok
	})
}

// at returns the element of an array whose number the name is.
func at(array gjson.Result, name string) (item gjson.Result, ok bool) {
	n, isIndex := indexOf(name)
	if !isIndex {
		return item, false
	}
	array.ForEach(func(_, v gjson.Result) bool {
		if n == 0 {
			item, ok = v, true
		}
		n--
		return !ok
	})
	return item, ok
}

// any tells whether ok holds for a value at the path or for an element of an array there. The array itself does not
// count, and the elements of what the empty path leads to do not either.
func (p path) any(v gjson.Result, ok func(gjson.Result) bool) bool {
	return !p.each(v, func(found gjson.Result) bool {
		if !found.IsArray() {
			return !ok(found)
		}
		if len(p) == 0 {
			return true
		}
		hit := false
		found.ForEach(func(_, item gjson.Result) bool {
			hit = !item.IsArray() && ok(item)
			return !hit
		})
		return !hit
	})
}

// first returns the value at the path without going into arrays, except by a number.
func (p path) first(v gjson.Result) gjson.Result {
	for _, name := range p {
		switch {
		case v.IsObject():
			v, _ = member(v, name)
		case v.IsArray():
			v, _ = at(v, name)
		default:
			return gjson.Result{}
		}
	}
	return v
}

// member returns a field of an object; of several with the name the last counts, as in JSONB.
func member(object gjson.Result, name string) (found gjson.Result, ok bool) {
	object.ForEach(func(k, v gjson.Result) bool {
		if k.Str == name {
			found, ok = v, true
		}
		return true
	})
	return found, ok
}

// requiredIDs returns the only _ids that documents can have to match n, if n says so.
func requiredIDs(n node) (ids []string, ok bool) {
	switch n := n.(type) {
	case allOf:
		for _, part := range n {
			if ids, ok := requiredIDs(part); ok {
				return ids, true
			}
		}
	case oneOf:
		if n.path.isID() {
			return texts(n.values), true
		}
	}
	return nil, false
}

// texts are the strings among values.
func texts(values []gjson.Result) []string {
	list := []string{}
	for _, v := range values {
		if v.Type == gjson.String {
			list = append(list, v.Str)
		}
	}
	return list
}
