package store_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"gaff/hooks"
	"gaff/store"
)

// benchStores runs a benchmark on both stores. settle does what autovacuum does within a minute.
func benchStores(b *testing.B, bench func(b *testing.B, s database, settle func())) {
	b.Run("sqlite", func(b *testing.B) { bench(b, startSQLite(b).must(b), func() {}) })
	b.Run("postgres", func(b *testing.B) {
		at := newSchema(b)
		s, err := store.OpenPostgres(b.Context(), at, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		bench(b, s, func() { execute(b, at, "VACUUM ANALYZE documents") })
	})
}

// customer is an insert of about 300 bytes with its event.
func customer(n int64) hooks.Change {
	id := fmt.Sprintf("%024x", n)
	c := document(id, fmt.Sprintf(`"_created":"2026-01-01T00:00:00.000Z","_changed":"2026-01-01T00:00:00.000Z","name":"Ann %d",`+
		`"email":"ann%d@example.com","address":{"street":"Main Street 1","zip":"0150","city":"Oslo"},"tags":["a","b"],"age":%d`, n, n, n%90))
	c.Event = event(id)
	c.Event.Message, c.Event.Result = c.Document, c.Document
	return c
}

// BenchmarkCreate is one create with its event, durable on the disk, by one caller and by 32 at once.
func BenchmarkCreate(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			benchStores(b, func(b *testing.B, s database, settle func()) {
				settle()
				var n, left atomic.Int64
				left.Store(int64(b.N))
				done := make(chan error, callers)
				b.ResetTimer()
				for range callers {
					go func() {
						for left.Add(-1) >= 0 {
							if err := s.Write(b.Context(), app, collection, []hooks.Change{customer(n.Add(1))}); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				for range callers {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "creates/s")
			})
		})
	}
}

// BenchmarkFind is one document of 10,000 found by equality.
func BenchmarkFind(b *testing.B) {
	for _, query := range []string{`{"email":"ann7777@example.com"}`, `{"tags":"a","age":7,"name":{"$regex":"^Ann 77"}}`, `{"_id":"000000000000000000001e61"}`} {
		b.Run(strings.SplitN(query, `"`, 3)[1], func(b *testing.B) {
			benchStores(b, func(b *testing.B, s database, settle func()) {
				for i := 0; i < 10_000; i += 500 {
					var changes []hooks.Change
					for n := range int64(500) {
						changes = append(changes, customer(int64(i)+n))
					}
					write(b, s, changes...)
				}
				settle()
				b.ResetTimer()
				for b.Loop() {
					found, err := s.Find(b.Context(), app, collection, json.RawMessage(query), json.RawMessage(`{"$max":1}`))
					if err != nil || len(found.List) != 1 {
						b.Fatalf("found %d, %v", len(found.List), err)
					}
				}
			})
		})
	}
}

// BenchmarkGroup is sums and values of 10,000 documents.
func BenchmarkGroup(b *testing.B) {
	for name, q := range map[string]struct{ query, hint string }{
		"aggregates": {`{}`, `{"$groupby":["$MONTH:_created","age"],"$aggregate":["COUNT:n","SUM:age","MAX:name"]}`},
		"distinct":   {`{"$distinct":"address.city"}`, ``},
		"totals":     {`{"age":{"$lt":45}}`, `{"$totals":true,"$max":10}`},
	} {
		b.Run(name, func(b *testing.B) {
			benchStores(b, func(b *testing.B, s database, settle func()) {
				for i := 0; i < 10_000; i += 500 {
					var changes []hooks.Change
					for n := range int64(500) {
						changes = append(changes, customer(int64(i)+n))
					}
					write(b, s, changes...)
				}
				settle()
				b.ResetTimer()
				for b.Loop() {
					if _, err := s.Find(b.Context(), app, collection, json.RawMessage(q.query), json.RawMessage(q.hint)); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
