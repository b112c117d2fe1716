package store

import (
	"encoding/json"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// Bounds of what a hint may have computed.
const (
	limitGroups     = 8
	limitAggregates = 32
)

// grandTotal is the hint that asks for totals of groups, and the name under which they stand among these.
const grandTotal = "$aggregate-grand-total"

// groupKey says into which group a document goes: that of a field's value, or of a part of the moment that it names.
type groupKey struct {
	path   path
	layout string // of moment.js; empty: the value itself
}

// dateLayouts are the parts of a moment that have a name of their own.
var dateLayouts = map[string]string{"$YEAR": "YYYY", "$MONTH": "MM", "$DAY": "DD", "$HOUR": "HH", "$SEC": "ss"}

// parseGroups reads ["field", "$YEAR:field", "$DATE.MMM:field", …].
func parseGroups(v gjson.Result) ([]groupKey, error) {
	list := v.Array()
	if !v.IsArray() || len(list) == 0 || len(list) > limitGroups {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$groupby takes a list of 1 to %d fields", limitGroups)
	}
	keys := make([]groupKey, len(list))
	for i, item := range list {
		name, layout := item.Str, ""
		if strings.HasPrefix(name, "$") {
			var unit string
			at := strings.LastIndexByte(name, ':')
			if at < 0 {
				return nil, hooks.Errorf(hooks.CodeBadRequest, "$groupby %.80q names no field, as in $YEAR:field", name)
			}
			unit, name = name[:at], name[at+1:]
			var dated bool
			if layout, dated = strings.CutPrefix(unit, "$DATE."); !dated {
				layout = dateLayouts[unit]
			}
			if layout == "" || len(layout) > 100 {
				return nil, hooks.Errorf(hooks.CodeBadRequest, "$groupby has $YEAR, $MONTH, $DAY, $HOUR, $SEC and $DATE.format, not %.80q", unit)
			}
		}
		at, ok := fieldPath(name)
		if item.Type != gjson.String || !ok {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "$groupby: %.80s is not the path of a field", item.Raw)
		}
		keys[i] = groupKey{at, layout}
	}
	return keys, nil
}

// of is the name of a document's group; "null" if the field is not there, or names no moment where one is needed.
func (k *groupKey) of(doc gjson.Result) string {
	v := k.path.first(doc)
	switch {
	case k.layout != "":
		if t, ok := moment(v); ok {
			return format(t, k.layout)
		}
		return "null"
	case v.Type == gjson.String:
		return v.Str
	case !v.Exists():
		return "null"
	}
	return string(canonical(nil, v))
}

// grouping puts documents into groups, groups of groups if there are several keys, and computes aggregates of each; with
// no key at all, of all documents.
type grouping struct {
	page  *page
	root  *group
	spent budget
}

// group has, at the last key, its documents or their aggregates, and else the groups of the next key in the order in
// which their first documents came.
type group struct {
	docs   []json.RawMessage
	sums   []accumulator
	names  []string
	groups map[string]*group
}

func newGrouping(pg *page) *grouping {
	g := &grouping{page: pg}
	g.root = g.newGroup()
	return g
}

func (g *grouping) newGroup() *group {
	return &group{sums: make([]accumulator, len(g.page.aggregates))}
}

func (g *grouping) add(doc string) error {
	v := gjson.Parse(doc)
	at, depth := g.root, 0
	for ; ; depth++ {
		if depth == len(g.page.groups) || g.page.grandTotal {
			for i := range at.sums {
				if err := at.sums[i].add(&g.page.aggregates[i], v, &g.spent); err != nil {
					return err
				}
			}
		}
		if depth == len(g.page.groups) {
			break
		}
		name := g.page.groups[depth].of(v)
		next := at.groups[name]
		if next == nil {
			next = g.newGroup()
			if at.groups == nil {
				at.groups = map[string]*group{}
			}
			name = strings.Clone(name) // or it would keep its whole document in memory
			at.groups[name], at.names = next, append(at.names, name)
			if err := g.spent.spend(len(name) + 16*(len(next.sums)+1)); err != nil {
				return err
			}
		}
		at = next
	}
	if g.page.aggregates != nil {
		return nil
	}
	raw := g.page.show(doc)
	at.docs = append(at.docs, raw)
	return g.spent.spend(len(raw))
}

func (g *grouping) found() (hooks.Found, int) {
	return hooks.Found{Object: g.write(nil, g.root, 0)}, max(len(g.root.names), 1)
}

func (g *grouping) write(dst []byte, at *group, depth int) []byte {
	if depth == len(g.page.groups) {
		if g.page.aggregates != nil {
			return g.writeSums(dst, at)
		}
		docs := hooks.Found{List: at.docs}
		return append(dst, docs.Body()...)
	}
	dst = append(dst, '{')
	for i, name := range at.names {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, quote(name)...), ':')
		dst = g.write(dst, at.groups[name], depth+1)
	}
	if g.page.grandTotal {
		if len(at.names) > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, quote(grandTotal)...), ':')
		dst = g.writeSums(dst, at)
	}
	return append(dst, '}')
}

func (g *grouping) writeSums(dst []byte, at *group) []byte {
	dst = append(dst, '{')
	for i := range at.sums {
		if i > 0 {
			dst = append(dst, ',')
		}
		a := &g.page.aggregates[i]
		dst = append(append(dst, quote(a.name)...), ':')
		dst = at.sums[i].write(dst, a, g.page)
	}
	return append(dst, '}')
}
