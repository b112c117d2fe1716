package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"gaff/hooks"
)

// Postgres keeps documents and outbox in a PostgreSQL database (14 or later, encoding UTF8). It is safe for
// concurrent use, also by several processes.
type Postgres struct {
	pool      *pgxpool.Pool
	committed signal
}

const (
	postgresConnections = 16
	connectTimeout      = 5 * time.Second
)

// OpenPostgres connects to the database of the URL and brings its tables up to date; search_path in the URL chooses
// the schema. The error is one line that names host and port and never the password.
func OpenPostgres(ctx context.Context, url string, opts Options) (*Postgres, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("the PostgreSQL URL is not valid: use postgres://user:password@host:port/database")
	}
	if opts.Connections > 0 {
		config.MaxConns = int32(min(opts.Connections, 10_000))
	} else if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = postgresConnections
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err == nil {
		err = prepareDatabase(ctx, pool)
	}
	if err != nil {
		if pool != nil {
			pool.Close()
		}
		address := net.JoinHostPort(config.ConnConfig.Host, strconv.Itoa(int(config.ConnConfig.Port)))
		return nil, fmt.Errorf("PostgreSQL at %s: %s", address, reason(err))
	}
	return &Postgres{pool: pool, committed: make(signal, 1)}, nil
}

func prepareDatabase(ctx context.Context, pool *pgxpool.Pool) error {
	var encoding string
	if err := pool.QueryRow(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database has the encoding %s; UTF8 is needed", encoding)
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	return migrate(ctx, db, goose.DialectPostgres, "postgres", goose.WithSessionLocker(schemaLock{}))
}

// reason is what is wrong with a connection, without user, database and the other addresses that were tried.
func reason(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Message
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		return "cannot be reached: " + e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return "cannot be reached: " + e.Err.Error()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "cannot be reached: it does not answer"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return "cannot be reached"
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

// Ping returns an UNAVAILABLE error if the database does not answer.
func (p *Postgres) Ping(ctx context.Context) error {
	if err := p.pool.Ping(ctx); err != nil {
		return unavailable(err)
	}
	return nil
}

// Close waits for calls in progress and closes all connections.
func (p *Postgres) Close() error {
	p.pool.Close()
	return nil
}

// Committed receives a value after this process has committed events.
func (p *Postgres) Committed() <-chan struct{} { return p.committed }

// Get returns a document, or a NOT_FOUND error.
func (p *Postgres) Get(ctx context.Context, app, collection, id string) (json.RawMessage, error) {
	if !storable(id) {
		return nil, missing(collection, id)
	}
	var doc string
	err := p.pool.QueryRow(ctx, "SELECT doc FROM documents WHERE app = $1 AND collection = $2 AND id = $3",
		app, collection, id).Scan(&doc)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, missing(collection, id)
	case err != nil:
		return nil, postgresError(err)
	}
	return json.RawMessage(doc), nil
}

// postgresError is err as a caller may read it.
func postgresError(err error) error {
	if _, ok := errors.AsType[*hooks.Error](err); ok {
		return err
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return unavailable(err)
	}
	switch {
	case e.Code == "40001" || e.Code == "40P01": // serialization failure, deadlock: both went for the same documents
		return hooks.Errorf(hooks.CodeConflict, "the documents have been changed meanwhile").Because(errors.Join(hooks.ErrStale, err))
	case e.Code == "2201B": // a regular expression that PostgreSQL finds too complex
		return hooks.Errorf(hooks.CodeBadRequest, "a $regex of the query is too large").Because(err)
	case strings.HasPrefix(e.Code, "22"): // data exceptions
		return hooks.Errorf(hooks.CodeBadRequest, "the database cannot keep or compare a value of the call").Because(err)
	case strings.HasPrefix(e.Code, "54"): // program limits
		return hooks.Errorf(hooks.CodeTooLarge, "the call is too large for the database").Because(err)
	}
	return unavailable(err)
}
