package process

import (
	"context"
	"log/slog"
	"net"

	"gaff/hooks"
	"gaff/metrics"
	"gaff/queue"
	"gaff/store"
	"gaff/tasks"
)

// Store is where documents and the outbox are kept.
type Store interface {
	hooks.Documents
	hooks.Outbox
	hooks.Memory
	// Waiting returns how many events are in the outbox, at most so many.
	Waiting(ctx context.Context, most int) (int, error)
	Ping(ctx context.Context) error
	Doctor(ctx context.Context) []hooks.Finding
	Close() error
}

// Parts are the connections that a process works with. Both roles may share them.
type Parts struct {
	Config Config
	Log    *slog.Logger
	Conn   *queue.Conn
	Store  Store
	Tables *hooks.Tables
	Gate   *queue.Gate
	Told   *hooks.PatientGate // the same, for events that must not be lost while NATS is away
	// Collections carries out calls on documents, for HTTP and for scripts.
	Collections *hooks.Collections
	Releases    *queue.Releases
	Metrics     *metrics.Metrics

	Listener net.Listener // that the enqueuer serves on; nil: it opens the configured one
	Open     bool         // no key is needed, for gaff dev on a loopback address

	live *live
}

// Open connects everything that the configuration names. An unreachable server is an error that names it.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Parts, error) {
	tasks.LogRedis(log)
	documents, err := openStore(ctx, c)
	if err != nil {
		return nil, err
	}
	conn, err := queue.Connect(ctx, c.queue(log))
	if err != nil {
		documents.Close()
		return nil, err
	}
	p := &Parts{
		Config: c, Log: log, Conn: conn, Store: documents, Tables: &hooks.Tables{}, Releases: queue.NewReleases(conn),
		live: newLive(), Metrics: metrics.New(log),
	}
	if p.Gate, err = queue.NewGate(conn, p.Tables); err != nil {
		p.Close()
		return nil, err
	}
	p.Told = &hooks.PatientGate{Gate: p.Gate, Memory: documents}
	p.Collections = &hooks.Collections{Documents: documents, Gate: p.Told, System: p.system()}
	return p, nil
}

// queue is what the connection to NATS is told.
func (c *Config) queue(log *slog.Logger) queue.Config {
	return queue.Config{
		URL: c.NATSURL, Creds: c.NATSCreds, Prefix: c.Prefix, Log: log, Vault: c.Vault, Embedded: c.Embedded,
		KeepReleases: c.KeepReleases, Replicas: c.Replicas,
		EventsMaxAge: c.EventsMaxAge, EventsMaxBytes: c.EventsMaxBytes, LogMaxAge: c.LogMaxAge, LogMaxBytes: c.LogMaxBytes,
		DeadMaxAge: c.DeadMaxAge, DeadMaxBytes: c.DeadMaxBytes,
	}
}

func openStore(ctx context.Context, c Config) (Store, error) {
	if c.PostgresURL != "" {
		return store.OpenPostgres(ctx, c.PostgresURL, store.Options{})
	}
	return store.OpenSQLite(ctx, c.SQLitePath, store.Options{})
}

// Close ends the connections.
func (p *Parts) Close() {
	if p.Gate != nil {
		p.Gate.Close()
	}
	p.Conn.Close()
	p.Store.Close()
}
