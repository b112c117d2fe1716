package store

import (
	"context"
	"errors"
	"strings"

	"gaff/hooks"
)

// Doctor examines the file, within 5 s. It changes nothing.
func (s *SQLite) Doctor(ctx context.Context) []hooks.Finding {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	var version string
	if err := s.read.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version); err != nil {
		return []hooks.Finding{hooks.Wrong("SQLite file", "%s", err)}
	}
	return []hooks.Finding{hooks.Fine("SQLite version", "%s", version), s.durabilityFinding(ctx), s.integrityFinding(ctx)}
}

// full is the number of synchronous=FULL.
const full = 2

// durabilityFinding looks at the connection that writes, as the setting is each connection's own.
func (s *SQLite) durabilityFinding(ctx context.Context) hooks.Finding {
	const name = "SQLite durability"
	var journal string
	var synchronous int
	err := s.writer.do(ctx, func(tx *transaction) error {
		return errors.Join(
			tx.conn.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&journal),
			tx.conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&synchronous))
	})
	switch {
	case err != nil:
		return hooks.Wrong(name, "%s", errors.Join(err, errors.Unwrap(err)))
	case journal != "wal" || synchronous < full:
		return hooks.Wrong(name, "journal_mode is %s and synchronous %d; wal and FULL (2) are needed", journal, synchronous)
	}
	return hooks.Fine(name, "synchronous=FULL, journal_mode=WAL")
}

// integrityFinding looks for damage, for as long as quickCheckTimeout.
func (s *SQLite) integrityFinding(ctx context.Context) hooks.Finding {
	const name = "SQLite integrity"
	bounded, cancel := context.WithTimeout(ctx, quickCheckTimeout)
	defer cancel()
	var result string
	err := s.read.QueryRowContext(bounded, "PRAGMA quick_check(1)").Scan(&result)
	switch {
	case err != nil && bounded.Err() != nil:
		return hooks.Fine(name, "no damage found within %s; the file is too large to be looked through", quickCheckTimeout)
	case err != nil:
		result = err.Error()
	case result == "ok":
		return hooks.Fine(name, "no damage")
	}
	return hooks.Wrong(name, "the file is damaged: %.200s", strings.ReplaceAll(result, "\n", " "))
}
