package store

import (
	"context"

	"gaff/hooks"
)

// Take hands up to n events, or about 16 MiB of them, to publish, in the order of their commits, and forgets those for
// which publish returned nil. Several relays of one process take turns. Relays of several processes on one file may
// publish an event twice, as happens when the process dies before what was published is forgotten.
func (s *SQLite) Take(ctx context.Context, n int, publish func(context.Context, []*hooks.Event) []error) (int, bool, error) {
	select {
	case <-s.relay:
		defer func() { s.relay <- struct{}{} }()
	case <-ctx.Done():
		return 0, false, unavailable(ctx.Err())
	}
	taken, err := s.oldest(ctx, n)
	if err != nil {
		return 0, false, unavailable(err)
	}
	if len(taken.events) == 0 {
		return 0, false, nil
	}
	done := taken.publish(ctx, publish)
	if len(done) > 0 {
		after, cancel := forgetting(ctx)
		defer cancel()
		err = s.writer.do(after, func(tx *transaction) error { return tx.forget(done) })
	}
	return len(taken.events), taken.more(n), err
}

// Remember puts an event into the outbox that belongs to no change.
func (s *SQLite) Remember(ctx context.Context, e *hooks.Event) error {
	payload := e.AppendJSON(nil)
	if err := hooks.CheckJSON(payload); err != nil {
		return err
	}
	err := s.writer.do(ctx, func(tx *transaction) error {
		_, err := tx.exec(sqliteTell, e.App, e.Service, e.Operation, string(e.Phase), payload, e.Trace)
		return err
	})
	if err == nil {
		s.committed.set()
	}
	return err
}

// Waiting returns how many events are in the outbox, at most so many.
func (s *SQLite) Waiting(ctx context.Context, most int) (n int, err error) {
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT ?)", most).Scan(&n)
	if err != nil {
		return 0, unavailable(err)
	}
	return n, nil
}

// sqliteOldest is of so many events those that have fewer than so many bytes before them.
const sqliteOldest = `SELECT seq, app, service, operation, phase, payload, trace FROM (
		SELECT *, sum(length(payload)) OVER (ORDER BY seq) - length(payload) AS before
		FROM (SELECT * FROM outbox ORDER BY seq LIMIT ?)
	) WHERE before < ? ORDER BY seq`

func (s *SQLite) oldest(ctx context.Context, n int) (*remembered, error) {
	rows, err := s.read.QueryContext(ctx, sqliteOldest, n, maxTaken)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	taken := &remembered{}
	for rows.Next() {
		var seq int64
		var e hooks.Event
		var payload []byte
		if err := rows.Scan(&seq, &e.App, &e.Service, &e.Operation, &e.Phase, &payload, &e.Trace); err != nil {
			return nil, err
		}
		if err := taken.add(seq, e, payload); err != nil {
			return nil, err
		}
	}
	return taken, rows.Err()
}
