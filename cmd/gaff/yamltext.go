package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// yamlText writes a JSON value as YAML for people: indented, with the keys in their order, and with quotes only where a
// text could be taken for something else.
func yamlText(value []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber() // numbers stay as they are written
	w := yamlWriter{decoder: d}
	if err := w.value(0, true); err != nil {
		return "", err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", errors.New("more than one JSON value")
	}
	return strings.TrimLeft(w.out.String(), " \n") + "\n", nil
}

type yamlWriter struct {
	decoder *json.Decoder
	out     strings.Builder
}

// value writes the next value. What is before it on the line decides where an object or a list begins: after a hyphen
// its first entry stands on the same line.
func (w *yamlWriter) value(indent int, newLine bool) error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	delimiter, ok := token.(json.Delim)
	if !ok {
		if w.out.Len() > 0 {
			w.out.WriteByte(' ')
		}
		w.out.WriteString(yamlScalar(token))
		return nil
	}
	if !w.decoder.More() {
		_, err := w.decoder.Token()
		fmt.Fprintf(&w.out, " %s", map[json.Delim]string{'{': "{}", '[': "[]"}[delimiter])
		return err
	}
	for first := true; w.decoder.More(); first = false {
		if !first || newLine {
			w.out.WriteString("\n" + strings.Repeat("  ", indent))
		} else {
			w.out.WriteByte(' ')
		}
		if err := w.entry(delimiter, indent); err != nil {
			return err
		}
	}
	_, err = w.decoder.Token()
	return err
}

func (w *yamlWriter) entry(delimiter json.Delim, indent int) error {
	if delimiter == '[' {
		w.out.WriteByte('-')
		return w.value(indent+1, false)
	}
	key, err := w.decoder.Token()
	if err != nil {
		return err
	}
	w.out.WriteString(yamlScalar(key) + ":")
	return w.value(indent+1, true)
}

// plainText is what YAML takes for text without quotes, but for the words that yamlWord knows.
var plainText = regexp.MustCompile(`^[A-Za-z/_]([A-Za-z0-9/_. -]*[A-Za-z0-9/_-])?$`)

func yamlScalar(token json.Token) string {
	switch v := token.(type) {
	case nil:
		return "null"
	case string:
		if plainText.MatchString(v) && !yamlWord(v) && len(v) <= 120 {
			return v
		}
		return yamlQuoted(v)
	default:
		return fmt.Sprint(v)
	}
}

// yamlWord reports whether some version of YAML takes the text for a value that is not a text.
func yamlWord(s string) bool {
	return slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "nan", "inf"}, strings.ToLower(s))
}

// yamlQuoted is a text in double quotes. What cannot be seen is escaped.
func yamlQuoted(s string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			out.WriteByte('\\')
			out.WriteRune(r)
		case r == '\n':
			out.WriteString(`\n`)
		case r == '\t':
			out.WriteString(`\t`)
		case unicode.IsPrint(r) && r != utf8.RuneError:
			out.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&out, `\U%08x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	out.WriteByte('"')
	return out.String()
}
