package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"gaff/hooks"
)

// Each change is one statement with its event, and says by the number of rows it returns whether it was made.
const (
	postgresInsert = `WITH changed AS (
	INSERT INTO documents (app, collection, id, version, doc, body)
	VALUES ($1, $2, $3, $4, $5::text, $5::text::jsonb) ON CONFLICT DO NOTHING RETURNING 1)`
	postgresUpdate = `WITH changed AS (
	UPDATE documents SET version = $4, doc = $5::text, body = $5::text::jsonb
	WHERE app = $1 AND collection = $2 AND id = $3 AND version = $6 RETURNING 1)`
	postgresDelete = `WITH changed AS (
	DELETE FROM documents WHERE app = $1 AND collection = $2 AND id = $3 AND version = $4 RETURNING 1)`
	postgresChanged = ` SELECT count(*) FROM changed`
)

// remembering ends a statement so that it also puts an event, six values after the given one, into the outbox.
const (
	insertRemembering = postgresInsert + `, told AS (INSERT INTO outbox (app, service, operation, phase, payload, trace)
	SELECT $6, $7, $8, $9, $10::bytea, $11 FROM changed)` + postgresChanged
	updateRemembering = postgresUpdate + `, told AS (INSERT INTO outbox (app, service, operation, phase, payload, trace)
	SELECT $7, $8, $9, $10, $11::bytea, $12 FROM changed)` + postgresChanged
	deleteRemembering = postgresDelete + `, told AS (INSERT INTO outbox (app, service, operation, phase, payload, trace)
	SELECT $5, $6, $7, $8, $9::bytea, $10 FROM changed)` + postgresChanged
)

// Write makes the changes and remembers their events, all or nothing. The error is a CONFLICT if a document to insert
// exists, or one with hooks.ErrStale if a document is not at its version any more.
func (p *Postgres) Write(ctx context.Context, app, collection string, changes []hooks.Change) error {
	rows, err := prepare(changes)
	if err != nil || len(rows) == 0 {
		return err
	}
	if len(rows) == 1 { // its statement is the transaction: one round trip
		text, args := rows[0].postgres(app, collection)
		err = made(p.pool.QueryRow(ctx, text, args...), &rows[0], collection)
	} else {
		err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error { return writeAll(ctx, tx, app, collection, rows) })
	}
	if err != nil {
		return postgresError(err)
	}
	if anyEvent(rows) {
		p.committed.set()
	}
	return nil
}

// writeAll sends all rows in one round trip.
func writeAll(ctx context.Context, tx pgx.Tx, app, collection string, rows []row) (err error) {
	batch := &pgx.Batch{}
	for i := range rows {
		text, args := rows[i].postgres(app, collection)
		batch.Queue(text, args...)
	}
	results := tx.SendBatch(ctx, batch)
	defer func() {
		if closed := results.Close(); err == nil {
			err = closed
		}
	}()
	for i := range rows {
		if err := made(results.QueryRow(), &rows[i], collection); err != nil {
			return err
		}
	}
	return nil
}

// made returns why a row was not written, or nil.
func made(result pgx.Row, r *row, collection string) error {
	var changed int
	if err := result.Scan(&changed); err != nil {
		return err
	}
	if changed == 0 {
		return r.refused(collection)
	}
	return nil
}

// postgres returns the statement of the row and its values.
func (r *row) postgres(app, collection string) (string, []any) {
	var plain, remembering string
	args := []any{app, collection, r.ID}
	switch {
	case r.Document == nil:
		plain, remembering = postgresDelete, deleteRemembering
		args = append(args, r.Version)
	case r.Insert:
		plain, remembering = postgresInsert, insertRemembering
		args = append(args, r.newVersion, string(r.Document))
	default:
		plain, remembering = postgresUpdate, updateRemembering
		args = append(args, r.newVersion, string(r.Document), r.Version)
	}
	if r.Event == nil {
		return plain + postgresChanged, args
	}
	e := r.Event
	return remembering, append(args, e.App, e.Service, e.Operation, string(e.Phase), r.payload, e.Trace)
}
