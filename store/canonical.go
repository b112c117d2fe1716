package store

import (
	"maps"
	"slices"
	"strconv"

	"github.com/tidwall/gjson"
)

// canonical appends a value so that two have the same text if and only if they are [equal]; null equals null here.
func canonical(dst []byte, v gjson.Result) []byte {
	switch {
	case v.Type == gjson.Number:
		if n, err := strconv.ParseInt(v.Raw, 10, 64); err == nil {
			return strconv.AppendInt(dst, n, 10)
		}
		r := rational(v.Raw)
		if r.IsInt() {
			return r.Num().Append(dst, 10)
		}
		n, _ := r.FloatPrec()
		return append(dst, r.FloatString(n)...)
	case v.Type == gjson.String:
		return append(dst, quote(v.Str)...)
	case v.IsArray():
		dst = append(dst, '[')
		for i, item := range v.Array() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = canonical(dst, item)
		}
		return append(dst, ']')
	case v.IsObject():
		members := fields(v)
		dst = append(dst, '{')
		for i, name := range slices.Sorted(maps.Keys(members)) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = canonical(append(append(dst, quote(name)...), ':'), members[name])
		}
		return append(dst, '}')
	}
	return append(dst, v.Raw...)
}
