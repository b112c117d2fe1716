package process

import (
	"path/filepath"
	"strings"
	"testing"

	"gaff/hooks"
)

func TestFindings(t *testing.T) {
	t.Parallel()
	vault, err := MakeVault(filepath.Join(t.TempDir(), "secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		got hooks.Finding
		ok  bool
		has string
	}{
		{(&Config{}).secretsFinding(), true, "warning: there is none"},
		{(&Config{Vault: vault}).secretsFinding(), true, "present"},
		{adminKeyFinding(strings.Repeat("a", 64)), false, "guessed"},
		{adminKeyFinding("passwordpassword"), false, "guessed"},
		{adminKeyFinding("Zq8-fK2_xW7rT4mB"), true, "warning: it could be longer"},
		{adminKeyFinding("8c1f60d7a94be25308f7c6d1e0b35a92"), true, "strong"},
		{freeFinding("disk space", "/data", 100<<20), false, "100 MiB free in /data"},
		{freeFinding("disk space", "/data", 300<<20), true, "warning: 300 MiB"},
		{freeFinding("disk space", "/data", 3<<40), true, "3.0 TiB free"},
		{diskFinding(filepath.Join(t.TempDir(), "none")), false, "no such file"},
		{diskFinding(t.TempDir()), true, "free in"},
	} {
		if c.got.OK != c.ok || !strings.Contains(c.got.Detail, c.has) {
			t.Errorf("%+v, want %v %q", c.got, c.ok, c.has)
		}
		if strings.Contains(c.got.Detail, "password") {
			t.Error("a finding tells a key")
		}
	}
}
