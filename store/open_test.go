package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/store"
)

// unused returns an address of this machine at which nothing listens.
func unused(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestOpenPostgresErrors(t *testing.T) {
	t.Parallel()
	nobody := unused(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	server, err := url.Parse(newSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	noDatabase := *server
	noDatabase.Path = "/no_such_database"
	for at, want := range map[string]string{
		"postgres://user:s3cret@" + nobody + "/x":                                   nobody,
		"postgres://user:s3cret@" + nobody + "/x?sslmode=disable":                   "refused",
		"postgres://user:s3cret@" + silent.Addr().String() + "/x?connect_timeout=1": silent.Addr().String(),
		"postgres://user:s3cret@no-such-host.invalid:5432/x?connect_timeout=1":      "no-such-host.invalid:5432",
		"postgres://user:s3cret@host:port/x":                                        "not valid",
		"postgres://user:s3cret@host/x?pool_max_conns=many":                         "not valid",
		noDatabase.String(): "no_such_database",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		s, err := store.OpenPostgres(ctx, at, store.Options{})
		cancel()
		if err == nil {
			s.Close()
			t.Errorf("%s was opened", at)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, want) || strings.Contains(text, "s3cret") || strings.Contains(text, "\n") {
			t.Errorf("%s: got %q, want one line with %q and without the password", at, text, want)
		}
	}
}

func TestOpenSQLiteErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, garbage, filepath.Join(garbage, "x.db")} {
		if s, err := store.OpenSQLite(t.Context(), path, store.Options{}); err == nil {
			s.Close()
			t.Errorf("%s was opened", path)
		} else if !strings.Contains(err.Error(), path) && !strings.Contains(err.Error(), garbage) {
			t.Errorf("%q does not name the file %s", err, path)
		}
	}
}

// Documents are for the owner's eyes.
func TestSQLiteFileMode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gaff.db")
	s, err := store.OpenSQLite(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	write(t, s, document("a", ""))
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", suffix, info, err)
		}
	}
}

func ExampleOpenSQLite() {
	dir, err := os.MkdirTemp("", "gaff")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, err := store.OpenSQLite(ctx, filepath.Join(dir, "gaff.db"), store.Options{})
	if err != nil {
		panic(err)
	}
	defer s.Close()
	insert := []hooks.Change{
		{ID: "1", Insert: true, Document: json.RawMessage(`{"_id":"1","_version":0,"name":"Ann","age":31}`)},
		{ID: "2", Insert: true, Document: json.RawMessage(`{"_id":"2","_version":0,"name":"Bob","age":45}`)},
	}
	if err := s.Write(ctx, "default", "customer", insert); err != nil {
		panic(err)
	}
	found, err := s.Find(ctx, "default", "customer", json.RawMessage(`{"age":{"$gt":40}}`), json.RawMessage(`{"$fields":{"name":1}}`))
	fmt.Printf("%s %v\n", found.Body(), err)
	// Output: [{"_id":"2","name":"Bob"}] <nil>
}
