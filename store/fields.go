package store

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// maxFields bounds how many fields a hint can name.
const maxFields = 200

// projection says which fields of documents are shown: only the named ones and _id, or all but the named ones.
type projection struct {
	only bool
	tree fieldTree
}

// fieldTree has the named fields; a leaf stands for the whole field.
type fieldTree map[string]fieldTree

// index is the number of an element in the name of a field, as in producer[0].country.
var index = regexp.MustCompile(`\[([0-9]+)\]`)

// fieldPath splits the name of a field at its dots.
func fieldPath(name string) (path, bool) {
	if strings.Contains(name, "[") {
		name = strings.TrimPrefix(index.ReplaceAllString(name, ".$1"), ".")
	}
	at := path(strings.Split(name, "."))
	return at, len(at) <= maxPath && !slices.Contains(at, "") && !strings.HasPrefix(name, "$")
}

// parseFields reads {field: 1, …} or {field: 0, …}.
func parseFields(v gjson.Result) (*projection, error) {
	p := &projection{tree: fieldTree{}}
	names, show, hide, ok := 0, false, false, v.IsObject()
	v.ForEach(func(k, on gjson.Result) bool {
		at, valid := fieldPath(k.Str)
		yes := on.Type == gjson.True || on.Type == gjson.Number && on.Num == 1
		no := on.Type == gjson.False || on.Type == gjson.Number && on.Num == 0
		ok = ok && valid && (yes || no)
		show, hide, names = show || yes, hide || no, names+1
		p.tree.add(at)
		return ok
	})
	switch {
	case !ok || names > maxFields:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$fields takes an object of at most %d fields, each 1 or each 0", maxFields)
	case show && hide:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$fields cannot mix 1 and 0")
	case names == 0:
		return nil, nil
	}
	if p.only = show; show {
		p.tree.add(path{"_id"})
	}
	return p, nil
}

func (t fieldTree) add(at path) {
	for i, name := range at {
		next, known := t[name]
		switch {
		case known && len(next) == 0: // the whole field is named already
			return
		case i == len(at)-1:
			t[name] = nil
			return
		case !known:
			next = fieldTree{}
			t[name] = next
		}
		t = next
	}
}

// apply returns what is shown of a document, in its order.
func (p *projection) apply(doc string) json.RawMessage {
	if p == nil {
		return json.RawMessage(doc)
	}
	return p.value(nil, gjson.Parse(doc), p.tree)
}

// value appends what is shown of an object or, element by element, of an array.
func (p *projection) value(dst []byte, v gjson.Result, tree fieldTree) []byte {
	open, end := byte('{'), byte('}')
	if v.IsArray() {
		open, end = '[', ']'
	}
	dst = append(dst, open)
	first := len(dst)
	v.ForEach(func(k, item gjson.Result) bool {
		below := tree
		if !v.IsArray() {
			var named bool
			below, named = tree[k.Str]
			all := named == p.only && len(below) == 0
			if !all && (len(below) == 0 || p.only && item.Type != gjson.JSON) {
				return true
			}
		} else if p.only && !item.IsObject() {
			return true
		}
		if len(dst) > first {
			dst = append(dst, ',')
		}
		if !v.IsArray() {
			dst = append(append(dst, k.Raw...), ':')
		}
		if len(below) == 0 || item.Type != gjson.JSON || v.IsArray() && !item.IsObject() {
			dst = append(dst, item.Raw...)
		} else {
			dst = p.value(dst, item, below)
		}
		return true
	})
	return append(dst, end)
}
