package rpc

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/tidwall/gjson"
)

// append appends a value, which the server sends as text, as JSON.
func (t valueType) append(dst, value []byte) []byte {
	if value == nil {
		return append(dst, "null"...)
	}
	if t.array {
		if out, ok := t.appendArray(dst, value); ok {
			return out
		}
		return appendText(dst, value)
	}
	switch t.form {
	case asBool:
		return strconv.AppendBool(dst, string(value) == "t")
	case asInt:
		return appendIntText(dst, value)
	case asFloat:
		if gjson.ValidBytes(value) { // NaN and the infinite are not
			return append(dst, value...)
		}
	case asJSON:
		return append(dst, value...)
	case asBytes:
		if b, err := hex.DecodeString(strings.TrimPrefix(string(value), `\x`)); err == nil {
			return appendBytes(dst, b)
		}
	case asMoment, asLocal:
		return appendText(dst, t.form.moment(value))
	}
	return appendText(dst, value)
}

// moment is a date and time in the form of RFC 3339. What that has no form for, such as infinity, stays.
func (f form) moment(value []byte) []byte {
	date, rest, ok := bytes.Cut(value, []byte{' '})
	if !ok || bytes.HasSuffix(value, []byte("BC")) {
		return value
	}
	text := append(append(bytes.Clone(date), 'T'), rest...)
	if f == asMoment {
		if utc, ok := bytes.CutSuffix(text, []byte("+00")); ok {
			return append(utc, 'Z')
		}
	}
	return text
}

// appendArray appends an array such as {1,NULL,"a b",{2}}; false means that it is not one.
func (t valueType) appendArray(dst, text []byte) ([]byte, bool) {
	if len(text) > 0 && text[0] == '[' { // with bounds of its own: [0:1]={1,2}
		if _, text, _ = bytes.Cut(text, []byte{'='}); len(text) == 0 {
			return dst, false
		}
	}
	element := valueType{form: t.form}
	for at := 0; at < len(text); {
		switch c := text[at]; c {
		case '{':
			dst = append(dst, '[')
			at++
		case '}':
			dst = append(dst, ']')
			at++
		case ',', ';':
			dst = append(dst, ',')
			at++
		case '"':
			var value []byte
			for at++; at < len(text) && text[at] != '"'; at++ {
				if text[at] == '\\' && at+1 < len(text) {
					at++
				}
				value = append(value, text[at])
			}
			at++
			if value == nil {
				value = []byte{}
			}
			dst = element.append(dst, value)
		default:
			end := bytes.IndexAny(text[at:], ",}")
			if end <= 0 {
				return dst, false
			}
			value := text[at : at+end]
			if string(value) == "NULL" {
				value = nil
			}
			dst = element.append(dst, value)
			at += end
		}
	}
	return dst, true
}

// parameters are the values of a statement's parameters, as text.
func (s *postgresService) parameters(d *pgconn.StatementDescription, params []json.RawMessage) ([][]byte, error) {
	values := make([][]byte, len(params))
	for i, raw := range params {
		t := valueType{}
		if i < len(d.ParamOIDs) {
			t = s.typeOf(d.ParamOIDs[i])
		}
		values[i] = t.parameter(raw)
		if bytes.IndexByte(values[i], 0) >= 0 {
			return nil, errorf(BadRequest, "params[%d] has a character U+0000, which PostgreSQL does not take", i)
		}
	}
	return values, nil
}

// parameter is one value; nil stands for NULL.
func (t valueType) parameter(raw json.RawMessage) []byte {
	raw = bytes.TrimSpace(raw)
	if t.array && len(raw) > 0 && raw[0] == '[' {
		return t.appendList(nil, gjson.ParseBytes(raw))
	}
	if b, ok := bytesOf(raw); ok {
		if t.form == asBytes {
			return append([]byte(`\x`), hex.EncodeToString(b)...)
		}
		if t.form != asJSON {
			return append([]byte{}, b...)
		}
	}
	if t.form == asJSON && !isString(raw) && len(raw) > 0 && raw[0] != 'n' {
		return raw
	}
	text, null := textOf(raw)
	if null {
		return nil
	}
	return append([]byte{}, text...)
}

func isString(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '"' }

// appendList appends a JSON list as PostgreSQL writes arrays. Each element is quoted, so that none is taken for another.
func (t valueType) appendList(dst []byte, list gjson.Result) []byte {
	dst = append(dst, '{')
	for i, item := range list.Array() {
		if i > 0 {
			dst = append(dst, ',')
		}
		if item.IsArray() && t.form != asJSON {
			dst = t.appendList(dst, item)
			continue
		}
		value := valueType{form: t.form}.parameter(json.RawMessage(item.Raw))
		if value == nil {
			dst = append(dst, "NULL"...)
			continue
		}
		dst = append(dst, '"')
		for _, c := range value {
			if c == '"' || c == '\\' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	return append(dst, '}')
}
