package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
)

// transaction is the writer's connection with its statements, prepared once.
type transaction struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
}

const (
	sqliteInsert = `INSERT INTO documents (app, collection, id, version, doc) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	sqliteUpdate = `UPDATE documents SET version = ?, doc = ? WHERE app = ? AND collection = ? AND id = ? AND version = ?`
	sqliteDelete = `DELETE FROM documents WHERE app = ? AND collection = ? AND id = ? AND version = ?`
	sqliteTell   = `INSERT INTO outbox (app, service, operation, phase, payload, trace) VALUES (?, ?, ?, ?, ?, ?)`
	sqliteForget = `DELETE FROM outbox WHERE seq IN (SELECT value FROM json_each(?))`

	sqliteBegin     = `BEGIN IMMEDIATE`
	sqliteCommit    = `COMMIT`
	sqliteRollback  = `ROLLBACK`
	sqliteSavepoint = `SAVEPOINT part`
	sqliteRelease   = `RELEASE part`
	sqliteUndo      = `ROLLBACK TO part`
)

func newTransaction(ctx context.Context, db *sql.DB) (*transaction, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	tx := &transaction{conn, map[string]*sql.Stmt{}}
	for _, text := range []string{sqliteInsert, sqliteUpdate, sqliteDelete, sqliteTell, sqliteForget,
		sqliteBegin, sqliteCommit, sqliteRollback, sqliteSavepoint, sqliteRelease, sqliteUndo} {
		statement, err := conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // tx.close closes what tx holds
		if err != nil {
			tx.close()
			return nil, fmt.Errorf("prepare: %w", err)
		}
		tx.statements[text] = statement
	}
	return tx, nil
}

// exec returns how many rows were changed. It takes no context: what has begun is finished.
func (tx *transaction) exec(text string, args ...any) (int64, error) {
	result, err := tx.statements[text].ExecContext(context.Background(), args...)
	if err != nil {
		return 0, &brokenError{err}
	}
	return result.RowsAffected()
}

func (tx *transaction) begin() error {
	_, err := tx.exec(sqliteBegin)
	return err
}

func (tx *transaction) commit() error {
	_, err := tx.exec(sqliteCommit)
	return err
}

// rollback may find nothing to roll back, as SQLite does it by itself after some errors.
func (tx *transaction) rollback() { _, _ = tx.exec(sqliteRollback) }

func (tx *transaction) close() {
	for _, s := range tx.statements {
		if s != nil {
			_ = s.Close()
		}
	}
	_ = tx.conn.Close()
}

// part does what is all or nothing within the transaction.
func (tx *transaction) part(do func(*transaction) error) error {
	if _, err := tx.exec(sqliteSavepoint); err != nil {
		return err
	}
	err := do(tx)
	if err != nil {
		if _, undo := tx.exec(sqliteUndo); undo != nil {
			return undo
		}
	}
	if _, release := tx.exec(sqliteRelease); release != nil {
		return release
	}
	return err
}

// write makes the changes of rows and puts their events into the outbox.
func (tx *transaction) write(app, collection string, rows []row) error {
	for i := range rows {
		r := &rows[i]
		changed, err := tx.change(app, collection, r)
		if err != nil {
			return err
		}
		if changed == 0 {
			return r.refused(collection)
		}
		if e := r.Event; e != nil {
			if _, err := tx.exec(sqliteTell, e.App, e.Service, e.Operation, string(e.Phase), r.payload, e.Trace); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *transaction) change(app, collection string, r *row) (int64, error) {
	switch {
	case r.Document == nil:
		return tx.exec(sqliteDelete, app, collection, r.ID, r.Version)
	case r.Insert:
		return tx.exec(sqliteInsert, app, collection, r.ID, r.newVersion, string(r.Document))
	default:
		return tx.exec(sqliteUpdate, r.newVersion, string(r.Document), app, collection, r.ID, r.Version)
	}
}

// forget removes events from the outbox.
func (tx *transaction) forget(seqs []int64) error {
	list, err := json.Marshal(seqs)
	if err != nil {
		return err
	}
	_, err = tx.exec(sqliteForget, string(list))
	return err
}
