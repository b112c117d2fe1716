package store

import (
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// parseDistinct reads the field whose values are to be listed.
func parseDistinct(v gjson.Result) (path, error) {
	at, ok := fieldPath(v.Str)
	if v.Type != gjson.String || !ok {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "$distinct takes the path of a field")
	}
	return at, nil
}

// distinctValues lists each value of a field once, those of arrays one by one, in the order of sorting. A field that is
// not there has none.
type distinctValues struct {
	plan   *plan
	known  map[string]bool
	values []gjson.Result
	spent  budget
}

func (d *distinctValues) add(doc string) (err error) {
	d.plan.distinct.each(gjson.Parse(doc), func(v gjson.Result) bool {
		if !v.IsArray() {
			err = d.take(v)
			return err == nil
		}
		v.ForEach(func(_, item gjson.Result) bool {
			err = d.take(item)
			return err == nil
		})
		return err == nil
	})
	return err
}

func (d *distinctValues) take(v gjson.Result) error {
	key := string(canonical(nil, v))
	if d.known[key] {
		return nil
	}
	d.known[key] = true
	v.Raw = string([]byte(v.Raw)) // or the value would keep its whole document in memory
	d.values = append(d.values, v)
	return d.spent.spend(2*len(key) + len(v.Raw))
}

func (d *distinctValues) found() (hooks.Found, int) {
	slices.SortStableFunc(d.values, order)
	pg := &d.plan.page
	limit := limitMax
	if pg.limited {
		limit = pg.max
	}
	first := min(pg.skip, len(d.values))
	last := min(first+limit, len(d.values))
	list := make([]json.RawMessage, 0, last-first)
	for _, v := range d.values[first:last] {
		list = append(list, json.RawMessage(v.Raw))
	}
	return hooks.Found{List: list}, len(list)
}
