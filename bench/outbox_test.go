package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gaff/cmd/process"
	"gaff/hooks"
	"gaff/store"
)

// BenchmarkOutbox measures how long after its commit an event is in the stream and delivered to a consumer, when everything
// is healthy.
func BenchmarkOutbox(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		s, err := store.OpenSQLite(b.Context(), filepath.Join(b.TempDir(), "d.db"), store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkOutbox(b, s)
	})
	b.Run("postgres", func(b *testing.B) {
		url := os.Getenv("GAFF_TEST_POSTGRES_URL")
		if url == "" {
			b.Fatal("GAFF_TEST_POSTGRES_URL is not set: run ./test, which starts the servers, with the benchmark as arguments")
		}
		s, err := store.OpenPostgres(b.Context(), url, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkOutbox(b, s)
	})
}

func benchmarkOutbox(b *testing.B, s process.Store) {
	defer s.Close()
	url := startStreams(b)
	gate, _ := newGate(b, url)
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		b.Fatal(err)
	}
	consumer, err := js.OrderedConsumer(b.Context(), "GAFF_EVENTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		b.Fatal(err)
	}
	arrived := make(chan time.Time, 1)
	consuming, err := consumer.Consume(func(jetstream.Msg) { arrived <- time.Now() })
	if err != nil {
		b.Fatal(err)
	}
	defer consuming.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&hooks.Relay{Outbox: s, Publisher: gate, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}).Run(ctx)
	}()
	defer func() { cancel(); <-ended }()
	run := time.Now().UnixNano()
	var took latencies
	for i := 0; b.Loop(); i++ {
		id := fmt.Sprintf("%x-%d", run, i)
		change := hooks.Change{ID: id, Document: []byte(`{"_id":"` + id + `","_version":0}`), Insert: true, Event: &hooks.Event{
			App: "bench", Service: "customer", Operation: "POST", Phase: hooks.After,
			Payload: hooks.Payload{ID: id, Key: id, Message: []byte(payload)},
		}}
		if err := s.Write(b.Context(), "bench", "customer", []hooks.Change{change}); err != nil {
			b.Fatal(err)
		}
		committed := time.Now()
		took = append(took, (<-arrived).Sub(committed))
	}
	took.report(b, "")
}
