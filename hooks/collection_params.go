package hooks

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// ReadParameters reads the query of a URL into the call, whose Operation and ID must be set: q is the query, h the hint,
// and most others are short for parts of the hint. The error is a BAD_REQUEST or TOO_LARGE that names the parameter.
func (call *CollectionCall) ReadParameters(rawQuery string) error {
	if rawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Errorf(CodeBadRequest, "the URL's parameters cannot be read; are they percent-encoded?")
	}
	p := parameters(values)
	if err := p.check(call.parameters()); err != nil {
		return err
	}
	if call.Query, err = p.object("q"); err != nil {
		return err
	}
	if call.Hint, err = p.object("h"); err != nil {
		return err
	}
	short, err := p.short()
	if err != nil {
		return err
	}
	call.Hint, err = withMembers(call.Hint, short)
	return err
}

// parameters lists those that a call may have. A DELETE removes all that its query selects: what would select some of
// them is refused, not ignored.
func (call *CollectionCall) parameters() []string {
	switch {
	case call.Operation == "DELETE" && call.ID == "":
		return []string{"q"}
	case call.Operation == "DELETE":
		return []string{"h"}
	case call.Operation != "GET":
		return []string{"h", "metafields", "validate"}
	case call.ID != "":
		return []string{"h", "metafields", "flatten", "format"}
	}
	return []string{"q", "h", "filter", "sort", "dir", "skip", "max", "totals", "metafields", "groupby", "aggregate", "flatten", "format"}
}

// parameters are those of a URL.
type parameters url.Values

// repeatable are the parameters that may be given several times. Of others one of two would be ignored.
var repeatable = []string{"sort", "dir", "groupby", "aggregate"}

func (p parameters) check(known []string) error {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		switch name {
		case "apikey":
			return Errorf(CodeBadRequest, "parameter %q is not supported: send the key in the header x-apikey", name)
		case "idtolink", "referencedby", "fetchchildren", "fetchmediadata":
			return Errorf(CodeBadRequest, "parameter %q is not supported: documents here know no relations, children or media", name)
		}
		switch {
		case !slices.Contains(known, name):
			return Errorf(CodeBadRequest, "parameter %.40q is not one of %s", name, strings.Join(known, ", "))
		case len(p[name]) > 1 && !slices.Contains(repeatable, name):
			return Errorf(CodeBadRequest, "parameter %q is given twice", name)
		case slices.ContainsFunc(p[name], func(v string) bool { return !utf8.ValidString(v) }):
			return Errorf(CodeBadRequest, "parameter %q is not valid UTF-8", name)
		}
	}
	switch {
	case p.get("format") != "" && p.get("format") != "json":
		return Errorf(CodeBadRequest, "parameter \"format\" takes json, and nothing else")
	case p.get("validate") != "":
		_, err := p.flag("validate")
		return err
	}
	return nil
}

func (p parameters) get(name string) string { return url.Values(p).Get(name) }

// object returns a parameter that is a JSON object; nil if it is not given.
func (p parameters) object(name string) (json.RawMessage, error) {
	raw := bytes.TrimSpace([]byte(p.get(name)))
	if len(raw) == 0 {
		return nil, nil
	}
	if err := CheckJSON(raw); err != nil {
		bad := AsError(err)
		return nil, Errorf(bad.Code, "parameter %s: %s", name, bad.Message)
	}
	if raw[0] != '{' {
		return nil, Errorf(CodeBadRequest, "parameter %s takes a JSON object", name)
	}
	return raw, nil
}

// short returns the parameters that stand for parts of the hint, as these parts.
func (p parameters) short() (document, error) {
	var d document
	for _, name := range []string{"skip", "max"} {
		given := p.get(name)
		if given == "" {
			continue
		}
		n, err := strconv.ParseUint(given, 10, 31)
		if err != nil {
			return nil, Errorf(CodeBadRequest, "parameter %s takes a whole number", name)
		}
		d.set("$"+name, strconv.AppendUint(nil, n, 10))
	}
	order, err := p.order()
	if err != nil {
		return nil, err
	}
	if order != nil {
		d.set("$orderby", order.raw())
	}
	for _, name := range []string{"groupby", "aggregate"} {
		if given := p[name]; len(given) > 0 {
			d.set("$"+name, mustMarshal(given))
		}
	}
	if filter := p.get("filter"); filter != "" {
		d.set("$filter", appendString(nil, filter))
	}
	for _, name := range []string{"totals", "metafields", "flatten"} {
		if p.get(name) == "" {
			continue
		}
		on, err := p.flag(name)
		if err != nil {
			return nil, err
		}
		d.set("$"+name, mustMarshal(on))
	}
	return d, nil
}

// order reads sort and dir: fields, and the direction of each.
func (p parameters) order() (document, error) {
	fields, directions := p["sort"], p["dir"]
	if len(fields) == 0 && len(directions) > 0 {
		fields = []string{fieldID} // the order without sort
	}
	if len(directions) > len(fields) {
		return nil, Errorf(CodeBadRequest, "there are more parameters dir than sort")
	}
	var d document
	for i, field := range fields {
		direction := "1"
		if i < len(directions) && directions[i] != "" {
			direction = directions[i]
		}
		if direction != "1" && direction != "-1" {
			return nil, Errorf(CodeBadRequest, "parameter dir takes 1 (ascending) or -1 (descending)")
		}
		if field != "" {
			d.set(field, json.RawMessage(direction))
		}
	}
	return d, nil
}

func (p parameters) flag(name string) (bool, error) {
	switch p.get(name) {
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, Errorf(CodeBadRequest, "parameter %s takes true or false", name)
}

// withMembers adds members to hint, which is an object or nil. Names with # tell scripts who is calling, so that no caller
// may set them.
func withMembers(hint json.RawMessage, short document) (json.RawMessage, error) {
	var d document
	var err error
	gjson.ParseBytes(hint).ForEach(func(k, v gjson.Result) bool {
		name := k.String()
		if strings.HasPrefix(name, "#") {
			err = Errorf(CodeBadRequest, "parameter h: only the server sets %.40q", name)
		}
		d.set(name, json.RawMessage(v.Raw))
		return err == nil
	})
	if err != nil || len(short) == 0 {
		return hint, err
	}
	for _, m := range short {
		if d.get(m.name) != nil {
			return nil, Errorf(CodeBadRequest, "%s is given twice: in h and as a parameter of its own", m.name)
		}
		d.set(m.name, m.value)
	}
	return d.raw(), nil
}
