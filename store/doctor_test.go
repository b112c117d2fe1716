package store_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gaff/hooks"
	"gaff/store"
)

// expectFindings checks that exactly those fail whose names are in wrong, each with its text.
func expectFindings(t *testing.T, findings []hooks.Finding, wrong map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range findings {
		seen[f.Name] = true
		text, expected := wrong[f.Name]
		if f.OK == expected || !strings.Contains(f.Detail, text) {
			t.Errorf("%+v, want %q", f, text)
		}
	}
	for name := range wrong {
		if !seen[name] {
			t.Errorf("nothing is said of %s: %+v", name, findings)
		}
	}
}

func TestDoctorOfSQLite(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gaff.db")
	s, err := store.OpenSQLite(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		write(t, s, document(fmt.Sprintf("d%d", i), `"text":"`+strings.Repeat("x", 2000)+`"`))
	}
	findings := s.Doctor(t.Context())
	expectFindings(t, findings, nil)
	if len(findings) != 3 {
		t.Errorf("%+v", findings)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	expectFindings(t, s.Doctor(t.Context()), map[string]string{"SQLite file": "closed"})

	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt([]byte(strings.Repeat("damage", 20_000)), info.Size()/2)
	}
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	s, err = store.OpenSQLite(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	expectFindings(t, s.Doctor(t.Context()), map[string]string{"SQLite integrity": "damaged"})
}

// The tests' PostgreSQL does not sync.
func TestDoctorOfPostgres(t *testing.T) {
	t.Parallel()
	at := newSchema(t)
	s, err := store.OpenPostgres(t.Context(), at, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	findings := s.Doctor(t.Context())
	expectFindings(t, findings, map[string]string{"PostgreSQL durability": "off: fsync;"})
	if len(findings) != 4 {
		t.Errorf("%+v", findings)
	}
	s.Close()
	expectFindings(t, s.Doctor(t.Context()), map[string]string{"PostgreSQL server": "closed"})
}

// TestDoctorOfPostgresPrivileges opens the tables as a role that may not write them.
func TestDoctorOfPostgresPrivileges(t *testing.T) {
	t.Parallel()
	at, err := url.Parse(newSchema(t))
	if err != nil {
		t.Fatal("not a URL")
	}
	s, err := store.OpenPostgres(t.Context(), at.String(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	schema := at.Query().Get("search_path")
	reader := schema + "_reader"
	server := os.Getenv("GAFF_TEST_POSTGRES_URL")
	execute(t, server, "CREATE ROLE "+reader)
	t.Cleanup(func() {
		execute(t, server, "DROP OWNED BY "+reader)
		execute(t, server, "DROP ROLE "+reader)
	})
	execute(t, server, "GRANT USAGE ON SCHEMA "+schema+" TO "+reader)
	execute(t, server, "GRANT SELECT ON ALL TABLES IN SCHEMA "+schema+" TO "+reader)
	query := at.Query()
	query.Set("role", reader)
	query.Set("synchronous_commit", "off")
	at.RawQuery = query.Encode()
	s, err = store.OpenPostgres(t.Context(), at.String(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	expectFindings(t, s.Doctor(context.WithoutCancel(t.Context())), map[string]string{
		"PostgreSQL durability": "off: fsync, synchronous_commit;",
		"PostgreSQL privileges": "the user lacks INSERT on documents",
	})
}
