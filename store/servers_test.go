package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"gaff/hooks"
	"gaff/store"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// database is what both stores do.
type database interface {
	hooks.Documents
	hooks.Outbox
	hooks.Memory
	Ping(ctx context.Context) error
	Close() error
}

// opener opens the test's own database, as often as wanted.
type opener func(ctx context.Context) (database, error)

func (open opener) must(t testing.TB) database {
	t.Helper()
	s, err := open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// eachStore runs a test on both stores, each on tables of its own.
func eachStore(t *testing.T, test func(t *testing.T, open opener)) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) opener{"sqlite": startSQLite, "postgres": startPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func startSQLite(t testing.TB) opener {
	path := filepath.Join(t.TempDir(), "a folder?", "gaff #1.db") // characters that mean something in a URI
	return func(ctx context.Context) (database, error) { return store.OpenSQLite(ctx, path, store.Options{}) }
}

func startPostgres(t testing.TB) opener {
	t.Helper()
	at := newSchema(t)
	return func(ctx context.Context) (database, error) {
		return store.OpenPostgres(ctx, at, store.Options{Connections: 8})
	}
}

// newSchema makes a schema and returns the URL that leads into it.
func newSchema(t testing.TB) string {
	t.Helper()
	server := os.Getenv("GAFF_TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("GAFF_TEST_POSTGRES_URL is not set: run ./test")
	}
	name := fmt.Sprintf("store_%016x", rand.Uint64())
	execute(t, server, "CREATE SCHEMA "+name)
	t.Cleanup(func() { execute(t, server, "DROP SCHEMA "+name+" CASCADE") })
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal("GAFF_TEST_POSTGRES_URL is not a URL")
	}
	query := at.Query()
	query.Set("search_path", name)
	at.RawQuery = query.Encode()
	return at.String()
}

func execute(t testing.TB, server, statement string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

const (
	app        = "default"
	collection = "customer"
)

// document returns an inserting change; fields is the rest of the object, as `"a":1`.
func document(id, fields string) hooks.Change {
	name, err := json.Marshal(id)
	if err != nil {
		panic(err)
	}
	if fields != "" {
		fields = "," + fields
	}
	doc := fmt.Sprintf(`{"_id":%s,"_version":0%s}`, name, fields)
	return hooks.Change{ID: id, Document: json.RawMessage(doc), Insert: true}
}

// event returns an after-event with the id.
func event(id string) *hooks.Event {
	return &hooks.Event{
		App: app, Service: collection, Operation: "POST", Phase: hooks.After,
		Payload: hooks.Payload{ID: id, Message: json.RawMessage(`{"name":"Ånn"}`), Origin: hooks.Script, Depth: 2},
	}
}

func write(t testing.TB, s database, changes ...hooks.Change) {
	t.Helper()
	if err := s.Write(t.Context(), app, collection, changes); err != nil {
		t.Fatal(err)
	}
}

// find returns the ids that a query and a hint select.
func find(t testing.TB, s database, query, hint string) []string {
	t.Helper()
	found, err := s.Find(t.Context(), app, collection, json.RawMessage(query), json.RawMessage(hint))
	if err != nil {
		t.Fatalf("find %s %s: %v", query, hint, err)
	}
	ids := []string{}
	for _, doc := range found.List {
		var d struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(doc, &d); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	return ids
}
