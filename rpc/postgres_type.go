package rpc

import (
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// form is how a value of PostgreSQL stands in JSON.
type form int

const (
	asText form = iota
	asBool
	asInt
	asFloat
	asJSON
	asBytes
	asMoment // with a time zone, which is UTC
	asLocal  // date and time without one
)

// valueType is what is known of a type.
type valueType struct {
	form  form
	array bool // of values of that form
}

// plain returns the form of a type, which is text if it is not one of those that have another.
func plain(oid uint32) form {
	switch oid {
	case pgtype.BoolOID:
		return asBool
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return asInt
	case pgtype.Float4OID, pgtype.Float8OID:
		return asFloat
	case pgtype.JSONOID, pgtype.JSONBOID:
		return asJSON
	case pgtype.ByteaOID:
		return asBytes
	case pgtype.TimestamptzOID:
		return asMoment
	case pgtype.TimestampOID:
		return asLocal
	}
	return asText
}

// typeOf returns what is known of a type.
func (s *postgresService) typeOf(oid uint32) valueType {
	if f := plain(oid); f != asText {
		return valueType{form: f}
	}
	if known, ok := s.types.Load(oid); ok {
		return known.(valueType)
	}
	return valueType{}
}

// learn finds out which of a statement's types are arrays. The server is asked once for each type; asked says that it
// was.
func (s *postgresService) learn(ctx context.Context, conn *pgconn.PgConn, d *pgconn.StatementDescription) (asked bool, err error) {
	types := slices.Clone(d.ParamOIDs)
	for i := range d.Fields {
		types = append(types, d.Fields[i].DataTypeOID)
	}
	for _, oid := range types {
		if s.isKnown(oid) {
			continue
		}
		asked = true
		if err := s.learnType(ctx, conn, oid); err != nil {
			return asked, err
		}
	}
	return asked, nil
}

// isKnown reports whether it is known whether a type is an array.
func (s *postgresService) isKnown(oid uint32) bool {
	switch oid {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.NumericOID, pgtype.UUIDOID, pgtype.UnknownOID, 0:
		return true
	}
	if plain(oid) != asText {
		return true
	}
	_, known := s.types.Load(oid)
	return known
}

func (s *postgresService) learnType(ctx context.Context, conn *pgconn.PgConn, oid uint32) error {
	const query = "select typelem from pg_catalog.pg_type where oid = $1 and typcategory = 'A' and typlen = -1"
	result := conn.ExecParams(ctx, query, [][]byte{strconv.AppendUint(nil, uint64(oid), 10)}, []uint32{pgtype.OIDOID}, nil, nil).Read()
	if result.Err != nil {
		return result.Err
	}
	known := valueType{}
	if len(result.Rows) == 1 {
		element, err := strconv.ParseUint(string(result.Rows[0][0]), 10, 32)
		if err != nil {
			return err
		}
		known.array = true
		known.form = plain(uint32(element))
	}
	s.types.Store(oid, known)
	return nil
}

// columns says how the values of each column stand in JSON.
func (s *postgresService) columns(fields []pgconn.FieldDescription) []valueType {
	columns := make([]valueType, len(fields))
	for i := range fields {
		columns[i] = s.typeOf(fields[i].DataTypeOID)
	}
	return columns
}
