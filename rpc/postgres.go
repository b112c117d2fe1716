package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresService is a PostgreSQL. Statements are prepared, and values travel as text, which the server reads as whatever
// type it needs.
type postgresService struct {
	name   string
	pool   *pgxpool.Pool
	bodies *bodies
	log    *slog.Logger
	types  sync.Map // OID of a type that is not built in → valueType
}

const (
	sqlPool = 16
	// lostWithin is after what time a server ends a statement or transaction whose client it hears no more of.
	lostWithin = 65 * time.Second
	// cancelWithin is how long a server that was asked to cancel has to answer before the connection is given up.
	cancelWithin = time.Second
	rollback     = 2 * time.Second
)

func openPostgres(name, url string, b *bodies, log *slog.Logger) (service, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil { // which may show the URL
		return nil, errors.New("the URL of this PostgreSQL cannot be read")
	}
	if c.ConnConfig.RuntimeParams["application_name"] == "" {
		c.ConnConfig.RuntimeParams["application_name"] = "gaff"
	}
	if c.ConnConfig.ConnectTimeout == 0 || c.ConnConfig.ConnectTimeout > dialTimeout {
		c.ConnConfig.ConnectTimeout = dialTimeout
	}
	c.ConnConfig.DialFunc = pgconn.DialFunc(bounded(dialer(c.ConnConfig.DialFunc)))
	c.ConnConfig.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: cancelWithin}
	}
	if !strings.Contains(url, "pool_max_conns=") {
		c.MaxConns = sqlPool
	}
	settings := fmt.Sprintf("set timezone = 'UTC'; set datestyle = 'ISO'; set bytea_output = 'hex'; set statement_timeout = %d; "+
		"set idle_in_transaction_session_timeout = %d", lostWithin.Milliseconds(), lostWithin.Milliseconds())
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		return conn.PgConn().Exec(ctx, settings).Close()
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), c) // connects when it is asked to
	if err != nil {
		return nil, errors.New("the URL of this PostgreSQL asks for what is not possible")
	}
	return &postgresService{name: name, pool: pool, bodies: b, log: log}, nil
}

func (s *postgresService) close() { s.pool.Close() }

func (s *postgresService) ping(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pingsWithin)
	defer cancel()
	var version string
	if err := s.pool.QueryRow(ctx, "show server_version").Scan(&version); err != nil {
		return "", err
	}
	return "PostgreSQL " + version, nil
}

func (s *postgresService) do(ctx context.Context, c *Call) ([]byte, error) {
	batch, err := sqlBatch(s.bodies, Postgres, c)
	if err != nil {
		return nil, err
	}
	conn, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	run := &postgresRun{service: s, conn: conn.Conn().PgConn(), batch: batch}
	return batch.do(ctx, run)
}

// acquire returns a connection.
func (s *postgresService) acquire(ctx context.Context) (*pgxpool.Conn, error) {
	within, cancel := context.WithTimeout(ctx, freeWithin)
	defer cancel()
	conn, err := s.pool.Acquire(within)
	switch {
	case err == nil:
		return conn, nil
	case within.Err() != nil && s.pool.Stat().AcquiredConns() >= s.pool.Config().MaxConns:
		return nil, errorf(Overloaded, "no connection to %s was free in time; try again", s.name).because(err)
	case over(ctx):
		return nil, errorf(Timeout, "there was no connection to %s in time", s.name).because(err)
	}
	return nil, errorf(Unavailable, "%s cannot be reached", s.name).because(err)
}

// postgresRun is one call on one connection.
type postgresRun struct {
	service *postgresService
	conn    *pgconn.PgConn
	batch   *batch
}

func (r *postgresRun) begin(ctx context.Context, readOnly bool) error {
	text := "begin"
	if readOnly {
		text = "begin read only"
	}
	return r.failure(ctx, r.conn.Exec(ctx, text).Close(), false)
}

// commit ends the transaction. If the answer does not come it is not known how.
func (r *postgresRun) commit(ctx context.Context) error {
	results, err := r.conn.Exec(ctx, "commit").ReadAll()
	if err == nil && len(results) == 1 && results[0].CommandTag.String() != "COMMIT" {
		return errorf(ServiceError, "the transaction was rolled back")
	}
	failed := r.failure(ctx, err, true)
	if e, ok := errors.AsType[*Error](failed); ok && e.Code == Unavailable {
		return broken(ctx, r.service.name, true, err)
	}
	return failed
}

// rollback ends the transaction without a trace. If the server cannot be told, it finds out from the lost connection.
func (r *postgresRun) rollback(ctx context.Context) {
	if r.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollback)
	defer cancel()
	if err := r.conn.Exec(ctx, "rollback").Close(); err != nil {
		r.conn.Close(ctx)
	}
}

// execute runs one statement and appends its result.
func (r *postgresRun) execute(ctx context.Context, s *sqlStep, dst []byte) ([]byte, error) {
	for {
		prepared, err := r.prepare(ctx, s)
		if err != nil {
			return dst, r.failure(ctx, err, false)
		}
		values, err := r.service.parameters(prepared, s.params)
		if err != nil {
			return dst, err
		}
		out, err := r.query(ctx, prepared, values, dst)
		if r.forget(ctx, s, err) {
			continue
		}
		return out, r.failure(ctx, err, !r.batch.inside)
	}
}

func (r *postgresRun) query(ctx context.Context, p *pgconn.StatementDescription, values [][]byte, dst []byte) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader := r.conn.ExecPrepared(ctx, p.Name, values, nil, nil)
	out := newRowWriter(dst, fieldNames(reader.FieldDescriptions()))
	columns := r.service.columns(reader.FieldDescriptions())
	for reader.NextRow() {
		if err := out.row(); err != nil {
			cancel()
			reader.Close()
			return dst, err
		}
		for i, value := range reader.Values() {
			if out.column(i) {
				out.b = columns[i].append(out.b, value)
			}
		}
	}
	tag, err := reader.Close()
	if err != nil {
		return dst, err
	}
	return out.postgres(tag.RowsAffected())
}

func fieldNames(fields []pgconn.FieldDescription) []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}
