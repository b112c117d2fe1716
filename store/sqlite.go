package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"gaff/hooks"
)

// SQLite keeps documents and outbox in a file. It is safe for concurrent use; several processes may share the file on
// one machine. What has been committed is on the disk (WAL with synchronous=FULL): a Write waits for that, together
// with all others that came while the one before was written.
type SQLite struct {
	read      *sql.DB
	writer    *writer
	relay     chan struct{} // holds a token while no relay of this process takes events
	committed signal
}

const (
	sqliteConnections = 4
	migrateTries      = 10
	migratePause      = 100 * time.Millisecond
)

// OpenSQLite opens the file, or makes it, readable to its owner alone, with its folder, and brings its tables up to
// date.
func OpenSQLite(ctx context.Context, path string, opts Options) (*SQLite, error) {
	if err := makeFile(path); err != nil {
		return nil, fmt.Errorf("open the SQLite file: %w", err)
	}
	connections := opts.Connections
	if connections <= 0 {
		connections = sqliteConnections
	}
	s := &SQLite{relay: make(chan struct{}, 1), committed: make(signal, 1)}
	s.relay <- struct{}{}
	db, err := openFile(path, "journal_mode(WAL)", "synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := migrateFile(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("SQLite file %s: %w", path, err), db.Close())
	}
	if s.writer, err = startWriter(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("SQLite file %s: %w", path, err), db.Close())
	}
	if s.read, err = openFile(path, "query_only(1)"); err != nil {
		return nil, errors.Join(err, s.writer.close())
	}
	s.read.SetMaxOpenConns(connections)
	s.read.SetMaxIdleConns(connections)
	return s, nil
}

// makeFile makes the file and its folder if need be. SQLite gives its other files the same permissions.
func makeFile(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// openFile opens the file so that SQLite keeps what is temporary in memory: an executor may make files in no other folder.
func openFile(path string, pragmas ...string) (*sql.DB, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open the SQLite file: %w", err)
	}
	query := url.Values{"_pragma": append([]string{"busy_timeout(10000)", "cache_size(-32000)", "temp_store(MEMORY)"}, pragmas...)}
	query.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: absolute, RawQuery: query.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open the SQLite file: %w", err)
	}
	return db, nil
}

// migrateFile tries again when another process has made the tables in the same moment.
func migrateFile(ctx context.Context, db *sql.DB) error {
	for try := 1; ; try++ {
		err := migrate(ctx, db, goose.DialectSQLite3, "sqlite")
		if err == nil || try == migrateTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(migratePause):
		}
	}
}

// Ping returns an UNAVAILABLE error if the file cannot be read.
func (s *SQLite) Ping(ctx context.Context) error {
	var one int
	if err := s.read.QueryRowContext(ctx, "SELECT 1 FROM sqlite_schema LIMIT 1").Scan(&one); err != nil {
		return unavailable(err)
	}
	return nil
}

// Close waits for the writes in progress. Calls that come later get an UNAVAILABLE error.
func (s *SQLite) Close() error { return errors.Join(s.writer.close(), s.read.Close()) }

// Committed receives a value after this process has committed events.
func (s *SQLite) Committed() <-chan struct{} { return s.committed }

// Get returns a document, or a NOT_FOUND error.
func (s *SQLite) Get(ctx context.Context, app, collection, id string) (json.RawMessage, error) {
	var doc string
	err := s.read.QueryRowContext(ctx, "SELECT doc FROM documents WHERE app = ? AND collection = ? AND id = ?",
		app, collection, id).Scan(&doc)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, missing(collection, id)
	case err != nil:
		return nil, unavailable(err)
	}
	return json.RawMessage(doc), nil
}

// Write makes the changes and remembers their events, all or nothing. The error is a CONFLICT if a document to insert
// exists, or one with hooks.ErrStale if a document is not at its version any more.
func (s *SQLite) Write(ctx context.Context, app, collection string, changes []hooks.Change) error {
	rows, err := prepare(changes)
	if err != nil || len(rows) == 0 {
		return err
	}
	err = s.writer.do(ctx, func(tx *transaction) error { return tx.write(app, collection, rows) })
	if err == nil && anyEvent(rows) {
		s.committed.set()
	}
	return err
}
