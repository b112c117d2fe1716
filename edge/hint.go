package edge

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// restParams reads the parameters of a call on documents: q is the query, h the hint, and sort, dir, skip and max are
// short for parts of the hint. known are those that the call may have.
func restParams(rawQuery string, known []string) (query, hint json.RawMessage, err error) {
	if rawQuery == "" {
		return nil, nil, nil
	}
	if err := later(rawQuery); err != nil {
		return nil, nil, err
	}
	p, err := parseParams(rawQuery, known...)
	if err != nil {
		return nil, nil, err
	}
	if query, err = p.object("q"); err != nil {
		return nil, nil, err
	}
	if hint, err = p.object("h"); err != nil {
		return nil, nil, err
	}
	short, err := p.short()
	if err != nil {
		return nil, nil, err
	}
	hint, err = merge(hint, short)
	return query, hint, err
}

// later refuses, by name, parameters that other systems with this query language have and Gaff has not.
func later(rawQuery string) error {
	values, _ := url.ParseQuery(rawQuery) // what cannot be read is refused where it is read
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch name {
		case "apikey":
			return hooks.Errorf(hooks.CodeBadRequest, "parameter %q is not supported: send the key in the header x-apikey", name)
		case "filter", "totals", "metafields", "groupby", "aggregate", "idtolink", "flatten", "referencedby",
			"fetchchildren", "fetchmediadata", "format", "validate":
			return hooks.Errorf(hooks.CodeBadRequest, "parameter %q is not supported", name)
		}
	}
	return nil
}

// object returns a parameter that is a JSON object; nil if it is not given.
func (p params) object(name string) (json.RawMessage, error) {
	raw := bytes.TrimSpace([]byte(p[name]))
	if len(raw) == 0 {
		return nil, nil
	}
	if err := checkJSON("parameter "+name, raw); err != nil {
		return nil, err
	}
	if raw[0] != '{' {
		return nil, wrong(name, "a JSON object")
	}
	return raw, nil
}

// member is one of a JSON object's; the value is JSON.
type member struct{ name, value string }

// short returns the parameters that stand for parts of the hint, as these parts.
func (p params) short() ([]member, error) {
	var members []member
	for _, name := range []string{"skip", "max"} {
		given := p[name]
		if given == "" {
			continue
		}
		n, err := strconv.ParseUint(given, 10, 31)
		if err != nil {
			return nil, wrong(name, "a whole number")
		}
		members = append(members, member{"$" + name, strconv.FormatUint(n, 10)})
	}
	field, direction := p["sort"], p["dir"]
	switch {
	case direction != "" && direction != "1" && direction != "-1":
		return nil, wrong("dir", "1 (ascending) or -1 (descending)")
	case direction == "":
		direction = "1"
	case field == "":
		field = "_id" // the order without sort
	}
	if field != "" {
		order := append(appendString([]byte{'{'}, field), ':')
		members = append(members, member{"$orderby", string(order) + direction + "}"})
	}
	return members, nil
}

// merge adds the members to hint, which is an object or nil. Names with # tell scripts who is calling, so that no
// caller may set them.
func merge(hint json.RawMessage, members []member) (json.RawMessage, error) {
	names := map[string]bool{}
	var err error
	gjson.ParseBytes(hint).ForEach(func(k, _ gjson.Result) bool {
		name := k.String()
		names[name] = true
		if strings.HasPrefix(name, "#") {
			err = hooks.Errorf(hooks.CodeBadRequest, "parameter h: only the server sets %.40q", name)
		}
		return err == nil
	})
	if err != nil || len(members) == 0 {
		return hint, err
	}
	merged := []byte{'{'}
	if len(names) > 0 {
		merged = append(bytes.TrimSuffix(slices.Clone(hint), []byte{'}'}), ',')
	}
	for i, m := range members {
		if names[m.name] {
			return nil, hooks.Errorf(hooks.CodeBadRequest, "%s is given twice: in h and as a parameter of its own", m.name)
		}
		if i > 0 {
			merged = append(merged, ',')
		}
		merged = append(appendString(merged, m.name), ':')
		merged = append(merged, m.value...)
	}
	return append(merged, '}'), nil
}
