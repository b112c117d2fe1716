package hooks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/script"
)

func credentialHeaders() []string {
	return []string{"authorization", "proxy-authorization", "x-apikey", "x-api-key", "cookie"}
}

const masked = "***"

// masker takes secrets out of what is recorded. A nil masker knows none.
type masker struct {
	secrets []string
	text    *strings.Replacer // also for text that has JSON in it, in which characters may be escaped
	json    *strings.Replacer // for text that is JSON, once more escaped
}

// newMasker returns a masker of the values that are long enough to be masked, nil if there are none.
func newMasker(values []string) *masker {
	secrets := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return len(v) < MinSecret })
	if len(secrets) == 0 {
		return nil
	}
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	secrets = slices.Compact(secrets)
	var text, escaped []string
	for _, s := range secrets {
		once := quoted(s)
		for _, form := range slices.Compact(append(once, s)) {
			text = append(text, form, masked)
		}
		for _, form := range once { // s itself could only match what is no text
			for _, twice := range slices.Compact(append(quoted(form), form)) {
				escaped = append(escaped, twice, masked)
			}
		}
	}
	return &masker{secrets, strings.NewReplacer(text...), strings.NewReplacer(escaped...)}
}

// quoted is s as JSON has it between quotes, of which there may be two, the longest first.
func quoted(s string) []string {
	html := appendString(nil, s)
	plain := unescapeHTML(html)
	return slices.Compact([]string{string(html[1 : len(html)-1]), string(plain[1 : len(plain)-1])})
}

// unescapeHTML is JSON as scripts write it, which do not escape what HTML would mind.
func unescapeHTML(b []byte) []byte {
	for _, c := range []string{"<", ">", "&"} {
		b = bytes.ReplaceAll(b, appendString(nil, c)[1:7], []byte(c))
	}
	return b
}

// with returns a masker that knows the caller's credentials too.
func (m *masker) with(headers json.RawMessage) *masker {
	if headers == nil {
		return m
	}
	var found []string
	for _, name := range credentialHeaders() {
		value := gjson.GetBytes(headers, name).String()
		if _, token, ok := strings.Cut(value, " "); ok && len(token) >= MinSecret {
			found = append(found, token)
		} else if len(value) >= MinSecret {
			found = append(found, value)
		}
	}
	switch {
	case found == nil:
		return m
	case m != nil:
		found = append(found, m.secrets...)
	}
	return newMasker(found)
}

func (m *masker) inText(s string) string {
	if m == nil || s == "" {
		return s
	}
	s = m.text.Replace(s)
	if head, cut := strings.CutSuffix(s, script.Cut); cut {
		s = m.beforeCut(head) + script.Cut
	}
	return s
}

// beforeCut masks the beginning of a secret at the end of what is left of a text.
func (m *masker) beforeCut(s string) string {
	at := len(s)
	for _, secret := range m.secrets {
		for _, form := range append(quoted(secret), secret) {
			for i := max(0, len(s)-len(form)+1); i < at; i++ {
				if strings.HasPrefix(form, s[i:]) {
					at = i
				}
			}
		}
	}
	if at == len(s) {
		return s
	}
	return s[:at] + masked
}

func (m *masker) inJSON(raw json.RawMessage) json.RawMessage {
	if m == nil || raw == nil {
		return raw
	}
	return json.RawMessage(m.json.Replace(string(raw)))
}

// inError masks what a caller reads.
func (m *masker) inError(err *Error) {
	if m == nil || err == nil {
		return
	}
	err.Message, err.StatusMessage = m.text.Replace(err.Message), m.text.Replace(err.StatusMessage)
	for i := range err.Fields {
		f := &err.Fields[i]
		f.Field, f.Message = m.text.Replace(f.Field), m.text.Replace(f.Message)
	}
}

// inRecord masks everything that a script, its caller or the world has written into a record.
func (m *masker) inRecord(rec *Record) {
	if m == nil {
		return
	}
	rec.End = m.inText(rec.End)
	for i := range rec.Log {
		rec.Log[i].Text = m.inText(rec.Log[i].Text)
	}
	if rec.Error != nil {
		rec.Error.Message, rec.Error.Stack = m.inText(rec.Error.Message), m.inText(rec.Error.Stack)
	}
	rec.Verdict, rec.Input = m.inJSON(rec.Verdict), m.inJSON(rec.Input)
	for i := range rec.Calls {
		m.inCall(&rec.Calls[i])
	}
}

func (m *masker) inCall(c *HostCall) {
	for i := range c.Args {
		c.Args[i] = m.inJSON(c.Args[i])
	}
	c.Result = m.inJSON(c.Result)
	if c.Error != nil {
		c.Error.Message = m.inText(c.Error.Message)
	}
}
