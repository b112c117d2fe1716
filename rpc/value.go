package rpc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// maxExact is the largest whole number that every reader of JSON keeps exactly.
const maxExact = 1<<53 - 1

// appendInt appends a number, or, if some readers of JSON would change it, its digits as text.
func appendInt(dst []byte, n int64) []byte {
	if -maxExact <= n && n <= maxExact {
		return strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, '"')
	return append(strconv.AppendInt(dst, n, 10), '"')
}

// appendIntText is appendInt of digits.
func appendIntText(dst, digits []byte) []byte {
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return appendText(dst, digits)
	}
	return appendInt(dst, n)
}

// appendFloat appends a number; what JSON has no number for is text.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}

// appendText appends a JSON string; what is not text is as appendBytes has it.
func appendText(dst, text []byte) []byte {
	if !utf8.Valid(text) {
		return appendBytes(dst, text)
	}
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, text[start:]...), '"')
}

// appendBytes appends {"base64":"…"}, the form in which bytes that are no text come and go.
func appendBytes(dst, b []byte) []byte {
	dst = append(dst, `{"base64":"`...)
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, `"}`...)
}

// bytesOf returns the bytes that {"base64":"…"} stands for.
func bytesOf(raw json.RawMessage) ([]byte, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var count int
	var text gjson.Result
	gjson.ParseBytes(raw).ForEach(func(k, v gjson.Result) bool {
		count++
		text = v
		return count == 1 && k.Str == "base64" && v.Type == gjson.String
	})
	if count != 1 || text.Type != gjson.String || gjson.GetBytes(raw, "base64").Type != gjson.String {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(text.Str)
	return b, err == nil
}

// textOf is how a JSON value reads as text: a string as it is, anything else as it is written in JSON. Null has none.
func textOf(raw json.RawMessage) (text string, null bool) {
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0, raw[0] == 'n':
		return "", true
	case raw[0] == '"':
		return gjson.ParseBytes(raw).Str, false
	}
	if b, ok := bytesOf(raw); ok {
		return string(b), false
	}
	return string(raw), false
}
