package rpc

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// failure is why a statement failed; nil for nil. changes says that it may have changed something all the same.
func (r *postgresRun) failure(ctx context.Context, err error, changes bool) error {
	if err == nil {
		return nil
	}
	if ours, ok := errors.AsType[*Error](err); ok {
		return ours
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && e.Code == "57014" || ctx.Err() != nil:
		late := errorf(Timeout, "%s did not end in time and was cancelled", r.service.name).because(err)
		if !ok && changes {
			late = late.with("outcome", "unknown")
		}
		return late
	case ok:
		return postgresError(e).because(err)
	case errors.Is(err, errRaw):
		return tooManyBytes().because(err)
	case !changes:
		return errorf(Unavailable, "the connection to %s broke off, and nothing was changed", r.service.name).because(err)
	}
	return broken(ctx, r.service.name, !pgconn.SafeToRetry(err), err)
}

// postgresError is an error of the server as callers see it, by its SQLSTATE.
func postgresError(e *pgconn.PgError) *Error {
	code, status := codeOfState(e.Code)
	made := errorf(code, "%s", e.Message).with("sqlstate", e.Code)
	if status != 0 {
		made.Status = status
	}
	for name, value := range map[string]string{
		"detail": e.Detail, "hint": e.Hint, "constraint": e.ConstraintName, "table": e.TableName, "column": e.ColumnName,
	} {
		if value != "" {
			made = made.with(name, value)
		}
	}
	return made
}

// codeOfState returns the code for a SQLSTATE, and a status if it is not the code's own. It follows what gateways over
// PostgreSQL have made usual: an author's RAISE is the caller's fault, and one of SQLSTATE PTxyz has the status xyz.
func codeOfState(state string) (code Code, status int) {
	switch state {
	case "23505", "23503", "23P01", "40001", "40P01", "55P03":
		return Conflict, 0
	case "42501", "25006":
		return Forbidden, 0
	case "P0001", "45000":
		return Rejected, 0
	case "57014":
		return Timeout, 0
	}
	if text, ok := strings.CutPrefix(state, "PT"); ok {
		if n, err := strconv.Atoi(text); err == nil && n >= http.StatusBadRequest && n <= 599 {
			return Rejected, n
		}
	}
	switch {
	case strings.HasPrefix(state, "22"), strings.HasPrefix(state, "23"):
		return BadRequest, 0
	case strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"), strings.HasPrefix(state, "53"), strings.HasPrefix(state, "28"):
		return Unavailable, 0
	}
	return ServiceError, 0
}
