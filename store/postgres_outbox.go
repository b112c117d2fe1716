package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"gaff/hooks"
)

// Take hands up to n events, or about 16 MiB of them, to publish, those of one document in the order of their commits,
// and forgets those for which publish returned nil. Several relays, also of several processes, take turns: if each took
// what it finds, the events of one document could be published out of order. Events that were published are published
// again if the process dies before they are forgotten.
func (p *Postgres) Take(ctx context.Context, n int, publish func(context.Context, []*hooks.Event) []error) (int, bool, error) {
	tx, err := p.pool.Begin(ctx)
	if err != nil {
		return 0, false, postgresError(err)
	}
	defer func() {
		after, cancel := forgetting(ctx)
		defer cancel()
		_ = tx.Rollback(after) // after Commit it does nothing; if it fails, the server rolls back with the connection
	}()
	taken, err := lockEvents(ctx, tx, n)
	if err != nil || len(taken.events) == 0 {
		return 0, false, err
	}
	done := taken.publish(ctx, publish)
	after, cancel := forgetting(ctx)
	defer cancel()
	if _, err := tx.Exec(after, "DELETE FROM outbox WHERE seq = ANY($1)", done); err != nil {
		return len(taken.events), false, postgresError(err)
	}
	if err := tx.Commit(after); err != nil {
		return len(taken.events), false, postgresError(err)
	}
	return len(taken.events), taken.more(n), nil
}

// Remember puts an event into the outbox that belongs to no change.
func (p *Postgres) Remember(ctx context.Context, e *hooks.Event) error {
	payload := e.AppendJSON(nil)
	if err := hooks.CheckJSON(payload); err != nil {
		return err
	}
	_, err := p.pool.Exec(ctx, `INSERT INTO outbox (app, service, operation, phase, payload, trace) VALUES ($1, $2, $3, $4, $5, $6)`,
		e.App, e.Service, e.Operation, string(e.Phase), payload, e.Trace)
	if err != nil {
		return postgresError(err)
	}
	p.committed.set()
	return nil
}

// Waiting returns how many events are in the outbox, at most so many.
func (p *Postgres) Waiting(ctx context.Context, most int) (n int, err error) {
	err = p.pool.QueryRow(ctx, "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS waiting", most).Scan(&n)
	if err != nil {
		return 0, postgresError(err)
	}
	return n, nil
}

// relayIdle is after what time the server takes the turn from a relay that it hears nothing of, because its machine is
// gone: longer than publishing takes.
const relayIdle = 30 * time.Second

// postgresTurn waits until no other relay of this outbox, wherever it is, is in its transaction.
const postgresTurn = `SELECT set_config('idle_in_transaction_session_timeout', $1::bigint::text, true),
	pg_advisory_xact_lock(hashtextextended('gaff.outbox', 'outbox'::regclass::oid::bigint))`

// postgresOldest is of so many events those that have fewer than so many bytes before them.
const postgresOldest = `SELECT seq, app, service, operation, phase, payload, trace FROM (
		SELECT *, sum(octet_length(payload)) OVER (ORDER BY seq) - octet_length(payload) AS before
		FROM (SELECT * FROM outbox ORDER BY seq LIMIT $1) AS oldest
	) AS counted WHERE before < $2 ORDER BY seq`

// lockEvents returns the oldest events once it is this relay's turn.
func lockEvents(ctx context.Context, tx pgx.Tx, n int) (*remembered, error) {
	if _, err := tx.Exec(ctx, postgresTurn, relayIdle.Milliseconds()); err != nil {
		return nil, postgresError(err)
	}
	rows, err := tx.Query(ctx, postgresOldest, n, maxTaken)
	if err != nil {
		return nil, postgresError(err)
	}
	taken := &remembered{}
	var seq int64
	var e hooks.Event
	var phase, trace string
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&seq, &e.App, &e.Service, &e.Operation, &phase, &payload, &trace}, func() error {
		e.Phase, e.Trace = hooks.Phase(phase), trace
		return taken.add(seq, e, payload)
	})
	if err != nil {
		return nil, postgresError(err)
	}
	return taken, nil
}
