package store

import (
	"context"
	"strings"
	"time"

	"gaff/hooks"
)

// examineTimeout bounds what a store's Doctor does, and quickCheckTimeout its look through an SQLite file.
const (
	examineTimeout    = 5 * time.Second
	quickCheckTimeout = 2 * time.Second
)

// Doctor examines the database, within 5 s. It changes nothing.
func (p *Postgres) Doctor(ctx context.Context) []hooks.Finding {
	ctx, cancel := context.WithTimeout(ctx, examineTimeout)
	defer cancel()
	var s postgresSettings
	err := p.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_version'),
		current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')`).
		Scan(&s.number, &s.version, &s.fsync, &s.synchronousCommit, &s.fullPageWrites)
	if err != nil {
		return []hooks.Finding{hooks.Wrong("PostgreSQL server", "%s", reason(err))}
	}
	return []hooks.Finding{s.versionFinding(), s.durabilityFinding(), p.clockFinding(ctx), p.privilegeFinding(ctx)}
}

// postgresSettings are those of a session.
type postgresSettings struct {
	number                                            int // such as 170002 for 17.2
	version, fsync, synchronousCommit, fullPageWrites string
}

const leastPostgres = 14

func (s *postgresSettings) versionFinding() hooks.Finding {
	const name = "PostgreSQL version"
	if s.number < leastPostgres*10000 {
		return hooks.Wrong(name, "%s; %d or later is needed", s.version, leastPostgres)
	}
	return hooks.Fine(name, "%s", s.version)
}

// durabilityFinding fails if what has been committed may be lost. Every value of synchronous_commit but off waits for a
// disk.
func (s *postgresSettings) durabilityFinding() hooks.Finding {
	const name = "PostgreSQL durability"
	var off []string
	for _, setting := range []struct{ name, value string }{
		{"fsync", s.fsync}, {"synchronous_commit", s.synchronousCommit}, {"full_page_writes", s.fullPageWrites},
	} {
		if setting.value == "off" {
			off = append(off, setting.name)
		}
	}
	if len(off) > 0 {
		return hooks.Wrong(name, "off: %s; a power failure may lose documents and events: set them to on", strings.Join(off, ", "))
	}
	return hooks.Fine(name, "fsync, full_page_writes, synchronous_commit %s", s.synchronousCommit)
}

func (p *Postgres) clockFinding(ctx context.Context) hooks.Finding {
	const name = "PostgreSQL clock"
	var there time.Time
	before := time.Now()
	if err := p.pool.QueryRow(ctx, "SELECT clock_timestamp()").Scan(&there); err != nil {
		return hooks.Wrong(name, "%s", reason(err))
	}
	return hooks.ClockFinding(name, before, there, time.Now())
}

func (p *Postgres) privilegeFinding(ctx context.Context) hooks.Finding {
	const name = "PostgreSQL privileges"
	var readOnly bool
	var missing []string
	err := p.pool.QueryRow(ctx, `SELECT current_setting('transaction_read_only') = 'on',
		ARRAY(SELECT privilege || ' on ' || object
			FROM unnest(ARRAY['documents', 'outbox']) object, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) privilege
			WHERE NOT has_table_privilege(object, privilege))`).Scan(&readOnly, &missing)
	switch {
	case err != nil:
		return hooks.Wrong(name, "%s", reason(err))
	case readOnly:
		return hooks.Wrong(name, "the database can only be read: connect to the primary")
	case len(missing) > 0:
		return hooks.Wrong(name, "the user lacks %s", strings.Join(missing, ", "))
	}
	return hooks.Fine(name, "granted")
}
