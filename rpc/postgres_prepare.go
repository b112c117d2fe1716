package rpc

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// prepared are the statements that a connection keeps, the one used last at the end.
type prepared struct {
	list []keptStatement
	made int
}

type keptStatement struct {
	sql         string
	description *pgconn.StatementDescription
}

// maxPrepared is how many statements a connection keeps.
const maxPrepared = 256

const preparedKey = "gaff.prepared"

func preparedOf(conn *pgconn.PgConn) *prepared {
	p, ok := conn.CustomData()[preparedKey].(*prepared)
	if !ok {
		p = &prepared{}
		conn.CustomData()[preparedKey] = p
	}
	return p
}

// prepare returns the statement as the connection knows it.
func (r *postgresRun) prepare(ctx context.Context, s *sqlStep) (*pgconn.StatementDescription, error) {
	if r.batch.once {
		return r.prepareOnce(ctx, s)
	}
	p := preparedOf(r.conn)
	at := slices.IndexFunc(p.list, func(k keptStatement) bool { return k.sql == s.sql })
	if at >= 0 {
		kept := p.list[at]
		if at < len(p.list)-1 {
			p.list = append(slices.Delete(p.list, at, at+1), kept)
		}
		return kept.description, nil
	}
	if len(p.list) >= maxPrepared && !r.batch.inside {
		oldest := p.list[0].description.Name
		p.list = slices.Delete(p.list, 0, 1)
		if err := r.conn.Deallocate(ctx, oldest); err != nil {
			return nil, err
		}
	}
	p.made++
	d, err := r.conn.Prepare(ctx, "gaff_"+strconv.Itoa(p.made), s.sql, nil)
	if err != nil {
		return nil, err
	}
	if _, err := r.service.learn(ctx, r.conn, d); err != nil {
		return nil, err
	}
	p.list = append(p.list, keptStatement{s.sql, d})
	return d, nil
}

// prepareOnce prepares a statement that the connection does not keep.
func (r *postgresRun) prepareOnce(ctx context.Context, s *sqlStep) (*pgconn.StatementDescription, error) {
	d, err := r.conn.Prepare(ctx, "", s.sql, nil)
	if err != nil {
		return nil, err
	}
	if asked, err := r.service.learn(ctx, r.conn, d); err != nil || !asked {
		return d, err
	}
	return r.conn.Prepare(ctx, "", s.sql, nil) // the question took its place
}

// forget drops a statement that the server knows no more, or whose tables have changed, and reports whether it may be
// tried again: nothing was done. Inside a transaction the failure has ended that.
func (r *postgresRun) forget(ctx context.Context, s *sqlStep, err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || e.Code != "0A000" && e.Code != "26000" {
		return false
	}
	p := preparedOf(r.conn)
	at := slices.IndexFunc(p.list, func(k keptStatement) bool { return k.sql == s.sql })
	if at < 0 {
		return false
	}
	name := p.list[at].description.Name
	p.list = slices.Delete(p.list, at, at+1)
	if r.batch.inside || e.Code == "0A000" && e.Routine != "RevalidateCachedQuery" {
		return false
	}
	return r.conn.Deallocate(ctx, name) == nil
}
