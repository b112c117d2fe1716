package hooks

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"gaff/script"
)

func vault(t *testing.T, key string) *Vault {
	t.Helper()
	b, err := ParseVaultKey(key)
	if err != nil {
		t.Fatal(err)
	}
	v, err := NewVault(b)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	t.Parallel()
	key := NewVaultKey()
	v := vault(t, key)
	const value = "hunter2-hunter2"
	sealed, err := v.Seal("shop", "TOKEN", value)
	if err != nil || bytes.Contains(sealed, []byte(value)) {
		t.Fatalf("%x, %v", sealed, err)
	}
	again, err := v.Seal("shop", "TOKEN", value)
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("sealed alike twice: %v", err)
	}
	if got, err := v.Open("shop", "TOKEN", sealed); err != nil || got != value {
		t.Errorf("%q, %v", got, err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, open := range map[string]func() (string, error){
		"another app":  func() (string, error) { return v.Open("other", "TOKEN", sealed) },
		"another name": func() (string, error) { return v.Open("shop", "OTHER", sealed) },
		"another key":  func() (string, error) { return vault(t, NewVaultKey()).Open("shop", "TOKEN", sealed) },
		"damaged":      func() (string, error) { return v.Open("shop", "TOKEN", flipped) },
		"empty":        func() (string, error) { return v.Open("shop", "TOKEN", nil) },
		"no key":       func() (string, error) { return (*Vault)(nil).Open("shop", "TOKEN", sealed) },
	} {
		if got, err := open(); !hasCode(err, CodeUnavailable) || got != "" || strings.Contains(err.Error(), value) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestVaultBounds(t *testing.T) {
	t.Parallel()
	v := vault(t, strings.Repeat("0f", 32))
	for _, test := range []struct {
		app, name, value string
		code             Code
	}{
		{"a b", "N", "123456", CodeBadName},
		{"shop", "", "123456", CodeBadName},
		{"shop", "N", "12345", CodeBadRequest},
		{"shop", "N", strings.Repeat("x", MaxSecret+1), CodeTooLarge},
	} {
		if _, err := v.Seal(test.app, test.name, test.value); !hasCode(err, test.code) {
			t.Errorf("%s/%s: %v", test.app, test.name, err)
		}
	}
	if _, err := v.Seal("shop", "N", strings.Repeat("x", MaxSecret)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "short", strings.Repeat("zz", 32)} {
		if _, err := ParseVaultKey(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestSecretRefs(t *testing.T) {
	t.Parallel()
	r, err := LoadProject(map[string]string{ProjectFile: `sessions: {secret: "${secret:JWT}", algorithms: [HS256]}
settings:
  slack:
    url: https://example.com/${secret:A}/${secret:B}
`})
	if err != nil {
		t.Fatal(err)
	}
	want := []SecretRef{{"JWT", 1, 20}, {"A", 4, 10}, {"B", 4, 10}}
	refs := r.SecretRefs()
	if len(refs) != 3 || refs[0] != want[0] || refs[1] != want[1] || refs[2] != want[2] {
		t.Errorf("%+v", refs)
	}
	err = r.CheckSecrets(func(name string) bool { return name == "A" })
	bad, ok := errors.AsType[*ProjectError](err)
	if !ok || len(bad.Problems) != 2 || !strings.HasPrefix(err.Error(), "gaff.yaml:1:20: there is no secret JWT") {
		t.Errorf("%v", err)
	}
	if err := r.CheckSecrets(func(string) bool { return true }); err != nil {
		t.Error(err)
	}

	table := Source{Release: r, Secrets: map[string]string{"JWT": `"j"w<t`, "A": "a-secret"}}.Table()
	if len(table.Missing) != 1 || table.Missing[0] != "B" || len(table.Secrets) != 2 {
		t.Errorf("missing %v", table.Missing)
	}
	if table.Sessions.Secret != `"j"w<t` || string(table.Settings) != `{"slack":{"url":"https://example.com/a-secret/${secret:B}"}}` {
		t.Errorf("%+v, %s", table.Sessions, table.Settings)
	}
	if nobody := NewTable(r); strings.Contains(nobody.Sessions.Secret, "JWT") || len(nobody.Sessions.Secret) < 32 {
		t.Errorf("without its secret tokens are verified by %q", nobody.Sessions.Secret)
	}
}

func TestMasker(t *testing.T) {
	t.Parallel()
	m := newMasker([]string{`a"b<c>&d`, `a","b<c>&d`, "short", "abcdef", "abcdefgh"})
	for in, want := range map[string]string{
		`x a"b<c>&d y`:                     "x *** y",
		`{"t":"a\"b<c>&d"}`:                `{"t":"***"}`, // as scripts log objects
		`{"t":"a\"b\u003cc\u003e\u0026d"}`: `{"t":"***"}`,
		"abcdefgh":                         "***",
		"abcdef":                           "***",
		"short":                            "short",
	} {
		if got := m.inText(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for in, want := range map[string]string{
		"x abcde" + script.Cut:     "x ***" + script.Cut,
		`x "a\"b` + script.Cut:     `x "***` + script.Cut,
		"x abcdefgh" + script.Cut:  "x ***" + script.Cut,
		"x abcdefg x" + script.Cut: "x ***g x" + script.Cut,
		"xyz" + script.Cut:         "xyz" + script.Cut,
	} {
		if got := m.inText(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
	for raw, want := range map[string]string{
		`{"a":"a","b<c>&d":"a\"b<c>&d"}`:  `{"a":"a","b<c>&d":"***"}`,
		`["a\"b<c>&d"]`:                   `["***"]`,
		`["a\"b\u003cc\u003e\u0026d"]`:    `["***"]`,
		`["{\"t\":\"a\\\"b<c>&d\"}"]`:     `["{\"t\":\"***\"}"]`, // JSON in a text
		`["{\"t\":\"x abcdefgh<&\"}", 1]`: `["{\"t\":\"x ***<&\"}", 1]`,
	} {
		if got := string(m.inJSON([]byte(raw))); got != want {
			t.Errorf("%s: %s", raw, got)
		}
	}
	if newMasker([]string{"short"}) != nil || (*masker)(nil).inText("x") != "x" {
		t.Error("a masker of nothing changes something")
	}
}
