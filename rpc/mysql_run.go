package rpc

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/go-sql-driver/mysql"
)

// mysqlRun is one call on one connection.
type mysqlRun struct {
	service *mysqlService
	conn    *sql.Conn
	tx      *sql.Tx
	batch   *batch
}

func (r *mysqlRun) begin(ctx context.Context, readOnly bool) error {
	tx, err := r.conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: readOnly})
	r.tx = tx
	return r.failure(ctx, err, false)
}

// commit ends the transaction. If the answer does not come it is not known how.
func (r *mysqlRun) commit(ctx context.Context) error { return r.failure(ctx, r.tx.Commit(), true) }

// rollback ends the transaction without a trace. If the server cannot be told, it finds out from the lost connection.
func (r *mysqlRun) rollback(context.Context) {
	if r.tx != nil {
		r.tx.Rollback() //nolint:errcheck // see above
	}
}

// execute runs one statement and appends its result.
func (r *mysqlRun) execute(ctx context.Context, s *sqlStep, dst []byte) ([]byte, error) {
	prepare := r.conn.PrepareContext
	if r.batch.inside {
		prepare = r.tx.PrepareContext
	}
	statement, err := prepare(ctx, s.sql)
	if err != nil {
		return dst, r.failure(ctx, err, false)
	}
	defer statement.Close()
	values := make([]any, len(s.params))
	for i, raw := range s.params {
		values[i] = mysqlValue(raw)
	}
	var out []byte
	if s.statement.ReturnsRows() {
		out, err = r.query(ctx, statement, values, dst)
	} else {
		out, err = r.change(ctx, statement, values, dst)
	}
	if err != nil {
		return dst, r.failure(ctx, err, !r.batch.inside)
	}
	return out, nil
}

// change runs a statement that answers with a number.
func (r *mysqlRun) change(ctx context.Context, s *sql.Stmt, values []any, dst []byte) ([]byte, error) {
	result, err := s.ExecContext(ctx, values...)
	if err != nil {
		return dst, err
	}
	affected, err := result.RowsAffected()
	if err != nil {
		return dst, err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return dst, err
	}
	more := strconv.AppendInt([]byte(`,"affectedRows":`), affected, 10)
	more = appendInt(append(more, `,"insertId":`...), id)
	return newRowWriter(dst, nil).mysql(more)
}

func (r *mysqlRun) query(ctx context.Context, s *sql.Stmt, values []any, dst []byte) ([]byte, error) {
	rows, err := s.QueryContext(ctx, values...)
	if err != nil {
		return dst, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return dst, err
	}
	names, row, into := make([]string, len(columns)), make([]any, len(columns)), make([]any, len(columns))
	for i, c := range columns {
		names[i], into[i] = c.Name(), &row[i]
	}
	out := newRowWriter(dst, names)
	for rows.Next() {
		if err := out.row(); err != nil {
			return dst, err
		}
		if err := rows.Scan(into...); err != nil {
			return dst, err
		}
		for i, value := range row {
			if out.column(i) {
				out.b = appendMySQL(out.b, columns[i].DatabaseTypeName(), value)
			}
		}
	}
	if err := rows.Err(); err != nil {
		return dst, err
	}
	return out.mysql(nil)
}

// failure is why a statement failed; nil for nil. changes says that it may have changed something all the same.
func (r *mysqlRun) failure(ctx context.Context, err error, changes bool) error {
	if err == nil {
		return nil
	}
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	e, ok := errors.AsType[*mysql.MySQLError](err)
	switch {
	case ctx.Err() != nil:
		late := errorf(Timeout, "%s did not end in time and was cancelled", r.service.name).because(err)
		if changes {
			late = late.with("outcome", "unknown")
		}
		return late
	case ok:
		return mysqlError(e).because(err)
	case errors.Is(err, errRaw):
		return tooManyBytes().because(err)
	case !changes:
		return errorf(Unavailable, "the connection to %s broke off, and nothing was changed", r.service.name).because(err)
	}
	return broken(ctx, r.service.name, !errors.Is(err, driver.ErrBadConn), err)
}

// mysqlError is an error of the server as callers see it, by its number.
func mysqlError(e *mysql.MySQLError) *Error {
	code := ServiceError
	switch e.Number {
	case 1062, 1169, 1216, 1217, 1451, 1452, 1205, 1213, 1586, 1761, 1762: // a constraint, a lock
		code = Conflict
	case 1044, 1142, 1143, 1227, 1290, 1370, 1792: // rights, read-only
		code = Forbidden
	case 1048, 1364, 1366, 1406, 1264, 1265, 1292, 1411, 3140, 3819, 4025: // a value that does not fit
		code = BadRequest
	case 1317, 1969, 3024:
		code = Timeout
	case 1040, 1045, 1049, 1053, 1077, 1079, 1129, 1130, 1203, 1226, 1836:
		code = Unavailable
	case 1644: // the author's SIGNAL
		code = Rejected
	}
	return errorf(code, "%s", e.Message).with("sqlstate", string(e.SQLState[:])).with("errno", e.Number)
}

// mysqlValue is a parameter as the driver takes it. Whole numbers stay whole, since LIMIT takes no others; other
// numbers travel as they are written, so that decimals stay exact.
func mysqlValue(raw json.RawMessage) any {
	if b, ok := bytesOf(raw); ok {
		return b
	}
	text, null := textOf(raw)
	switch {
	case null:
		return nil
	case isString(raw):
		return text
	case text == "true" || text == "false":
		return text == "true"
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	return text
}
