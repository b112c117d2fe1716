package rpc

import (
	"encoding/json"
	"regexp"
	"strconv"

	"github.com/tidwall/gjson"
)

// slot is a placeholder of a macro: {0} stands for the first argument.
var slot = regexp.MustCompile(`\{(\d{1,4})\}`)

// fill puts a call's arguments into a value of a macro's body. A string that is nothing but a placeholder becomes the
// argument, of whatever type; inside other text an argument becomes text. Values that are not strings stay.
func fill(value json.RawMessage, args []json.RawMessage) (json.RawMessage, error) {
	v := gjson.ParseBytes(value)
	if v.Type != gjson.String {
		return value, nil
	}
	found := slot.FindAllStringSubmatchIndex(v.Str, -1)
	if found == nil {
		return value, nil
	}
	if m := found[0]; m[0] == 0 && m[1] == len(v.Str) {
		return argument(v.Str[m[2]:m[3]], args)
	}
	var text []byte
	last := 0
	for _, m := range found {
		arg, err := argument(v.Str[m[2]:m[3]], args)
		if err != nil {
			return nil, err
		}
		inner, null := textOf(arg)
		if null {
			return nil, errorf(BadRequest, "args[%s] is null, and the method needs text there", v.Str[m[2]:m[3]])
		}
		text = append(append(text, v.Str[last:m[0]]...), inner...)
		last = m[1]
	}
	return appendText(nil, append(text, v.Str[last:]...)), nil
}

func argument(index string, args []json.RawMessage) (json.RawMessage, error) {
	i, err := strconv.Atoi(index)
	if err != nil || i >= len(args) {
		return nil, errorf(BadRequest, "the method needs args[%s], and the call has %d", index, len(args))
	}
	return args[i], nil
}

// filled is the values of a macro's step with a call's arguments.
func filled(values, args []json.RawMessage) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(values))
	for i, v := range values {
		var err error
		if out[i], err = fill(v, args); err != nil {
			return nil, err
		}
	}
	return out, nil
}
