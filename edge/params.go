package edge

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"gaff/hooks"
)

// params are the parameters of a URL, each given once.
type params map[string]string

// parseParams reads a URL's query, which may have the known parameters. One that is given twice is an error, because
// one of the two would be ignored.
func parseParams(rawQuery string, known ...string) (params, error) {
	if rawQuery == "" {
		return nil, nil
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the URL's parameters cannot be read; are they percent-encoded?")
	}
	p := make(params, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch given := values[name]; {
		case !slices.Contains(known, name):
			return nil, unknown(name, known)
		case len(given) > 1:
			return nil, hooks.Errorf(hooks.CodeBadRequest, "parameter %q is given twice", name)
		case !utf8.ValidString(given[0]):
			return nil, hooks.Errorf(hooks.CodeBadRequest, "parameter %q is not valid UTF-8", name)
		default:
			p[name] = given[0]
		}
	}
	return p, nil
}

func unknown(name string, known []string) error {
	if len(known) == 0 {
		return hooks.Errorf(hooks.CodeBadRequest, "parameter %.40q: there are none here", name)
	}
	return hooks.Errorf(hooks.CodeBadRequest, "parameter %.40q is not one of %s", name, strings.Join(known, ", "))
}

// wrong says what a parameter takes.
func wrong(name, takes string) error {
	return hooks.Errorf(hooks.CodeBadRequest, "parameter %s takes %s", name, takes)
}
