package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"gaff/hooks"
)

// Take hands up to n events to publish, those of one document in the order of their commits, and forgets those for
// which publish returned nil. The events are locked meanwhile, so that several relays, also of several processes,
// take different ones. Events that were published are published again if the process dies before they are forgotten.
func (p *Postgres) Take(ctx context.Context, n int, publish func(context.Context, []*hooks.Event) []error) (int, error) {
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return 0, postgresError(err)
	}
	defer func() {
		after, cancel := forgetting(ctx)
		defer cancel()
		_ = tx.Rollback(after) // after Commit it does nothing; if it fails, the server rolls back with the connection
	}()
	taken, err := lockEvents(ctx, tx, n)
	if err != nil || len(taken.events) == 0 {
		return 0, err
	}
	done := taken.publish(ctx, publish)
	after, cancel := forgetting(ctx)
	defer cancel()
	if _, err := tx.Exec(after, "DELETE FROM outbox WHERE seq = ANY($1)", done); err != nil {
		return len(taken.events), postgresError(err)
	}
	if err := tx.Commit(after); err != nil {
		return len(taken.events), postgresError(err)
	}
	return len(taken.events), nil
}

func lockEvents(ctx context.Context, tx pgx.Tx, n int) (*remembered, error) {
	rows, err := tx.Query(ctx, `SELECT seq, app, service, operation, phase, payload FROM outbox
	ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED`, n)
	if err != nil {
		return nil, postgresError(err)
	}
	taken := &remembered{}
	var seq int64
	var e hooks.Event
	var phase string
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &e.App, &e.Service, &e.Operation, &phase, &payload}, func() error {
		e.Phase = hooks.Phase(phase)
		return taken.add(seq, e, payload)
	})
	if err != nil {
		return nil, postgresError(err)
	}
	return taken, nil
}
