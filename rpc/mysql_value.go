package rpc

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"
)

// appendMySQL appends a value of a column of that type as JSON.
func appendMySQL(dst []byte, kind string, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(dst, "null"...)
	case int64:
		return appendInt(dst, v)
	case uint64:
		if v <= maxExact {
			return appendInt(dst, int64(v))
		}
		return append(strconv.AppendUint(append(dst, '"'), v, 10), '"')
	case float32:
		return appendFloat(dst, float64(v), 32)
	case float64:
		return appendFloat(dst, v, 64)
	case bool:
		return strconv.AppendBool(dst, v)
	case string:
		return appendText(dst, []byte(v))
	case time.Time:
		return appendText(dst, []byte(v.UTC().Format(time.RFC3339Nano)))
	case []byte:
		return appendColumn(dst, kind, v)
	}
	return append(dst, "null"...)
}

// appendColumn appends what the driver leaves as bytes.
func appendColumn(dst []byte, kind string, value []byte) []byte {
	switch {
	case strings.HasSuffix(kind, "BLOB"), strings.HasSuffix(kind, "BINARY"), kind == "BIT", kind == "GEOMETRY":
		return appendBytes(dst, value)
	case kind == "TIMESTAMP": // the session's time zone is UTC
		return appendText(dst, append(bytes.Replace(value, []byte{' '}, []byte{'T'}, 1), 'Z'))
	case kind == "DATETIME":
		return appendText(dst, bytes.Replace(value, []byte{' '}, []byte{'T'}, 1))
	case kind == "JSON" && gjson.ValidBytes(value):
		return append(dst, value...)
	case strings.HasSuffix(kind, "INT"):
		return appendIntText(dst, value)
	}
	return appendText(dst, value)
}
