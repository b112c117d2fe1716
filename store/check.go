package store

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gaff/hooks"
)

// Numbers beyond these cannot be kept by PostgreSQL, or only at a price.
const (
	maxDigits   = 1000
	maxExponent = 1000
)

// checkJSON returns a BAD_REQUEST if raw is not a JSON object that both stores can keep and compare; what says whose
// it is.
func checkJSON(raw json.RawMessage, what string) error {
	if err := hooks.CheckJSON(raw); err != nil {
		e := hooks.AsError(err)
		return hooks.Errorf(e.Code, "%s: %s", what, e.Message)
	}
	if strings.TrimLeft(string(raw[:min(len(raw), 64)]), " \t\r\n")[:1] != "{" {
		return hooks.Errorf(hooks.CodeBadRequest, "%s must be a JSON object", what)
	}
	if !utf8.Valid(raw) {
		return hooks.Errorf(hooks.CodeBadRequest, "%s is not valid UTF-8", what)
	}
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '"':
			end, err := checkString(raw, i+1, what)
			if err != nil {
				return err
			}
			i = end
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(raw) && strings.IndexByte("0123456789.eE+-", raw[end]) >= 0 {
				end++
			}
			if err := checkNumber(string(raw[i:end]), what); err != nil {
				return err
			}
			i = end
		default:
			i++
		}
	}
	return nil
}

// checkString returns where the string that begins at i ends, or why it cannot be kept.
func checkString(raw []byte, i int, what string) (int, error) {
	for ; raw[i] != '"'; i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		r := escaped(raw[i:])
		i += 4
		if utf16.IsSurrogate(r) {
			if raw[i+1] != '\\' || raw[i+2] != 'u' || utf16.DecodeRune(r, escaped(raw[i+2:])) == utf8.RuneError {
				return 0, hooks.Errorf(hooks.CodeBadRequest, `%s holds half of a surrogate pair, \u%04x`, what, r)
			}
			i += 6
		}
		if r == 0 {
			return 0, hooks.Errorf(hooks.CodeBadRequest, `%s holds the character \u0000, which cannot be stored`, what)
		}
	}
	return i + 1, nil
}

// escaped reads uXXXX of valid JSON.
func escaped(b []byte) rune {
	n, err := strconv.ParseUint(string(b[1:min(5, len(b))]), 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

func checkNumber(number, what string) error {
	digits, exponent := number, "0"
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		digits, exponent = number[:i], number[i+1:]
	}
	n, err := strconv.Atoi(exponent)
	if err != nil || len(digits) > maxDigits || n > maxExponent || n < -maxExponent {
		return hooks.Errorf(hooks.CodeBadRequest, "%s holds the number %.40s, which is out of range", what, number)
	}
	return nil
}

// storable tells whether an id can be that of a stored document at all.
func storable(id string) bool { return utf8.ValidString(id) && !strings.ContainsRune(id, 0) }
