package rpc

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

func isNil(err error) bool { return errors.Is(err, redis.Nil) }

// isReply reports whether Redis itself answered with the error.
func isReply(err error) bool {
	_, ok := errors.AsType[redis.Error](err)
	return ok
}

// answer is a reply as JSON, or what is wrong.
func (r *redisService) answer(ctx context.Context, reply any, err error) ([]byte, error) {
	switch {
	case err == nil:
	case isNil(err):
		return []byte("null"), nil
	default:
		return nil, r.failure(ctx, err)
	}
	return r.appendReply(nil, reply), nil
}

// appendReply appends a reply as JSON. An error inside of it is {"error":{code, message}}. It stops soon after the bound.
func (r *redisService) appendReply(dst []byte, reply any) []byte {
	switch v := reply.(type) {
	case nil:
		return append(dst, "null"...)
	case string:
		return appendText(dst, []byte(v))
	case int64:
		return appendInt(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case float64:
		return appendFloat(dst, v, 64)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if len(dst) > MaxBytes {
				return dst
			}
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = r.appendReply(dst, item)
		}
		return append(dst, ']')
	case error:
		return appendError(dst, replyError(v.Error()))
	}
	return append(dst, "null"...)
}

// appendError appends {"error":{code, message}}.
func appendError(dst []byte, e *Error) []byte {
	dst = append(dst, `{"error":{"code":`...)
	dst = appendText(dst, []byte(e.Code))
	dst = append(dst, `,"message":`...)
	dst = appendText(dst, []byte(e.Message))
	return append(dst, "}}"...)
}

// maxReplyError is how much of an error of Redis is passed on, in bytes.
const maxReplyError = 500

// replyError is an error that Redis, or a script in it, answered with.
func replyError(text string) *Error {
	if len(text) > maxReplyError {
		text = strings.ToValidUTF8(text[:maxReplyError], "") + "…"
	}
	word, _, _ := strings.Cut(text, " ")
	code := ServiceError
	switch word {
	case "NOPERM":
		code = Forbidden
	case "LOADING", "BUSY", "MASTERDOWN", "READONLY", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF", "NOREPLICAS":
		code = Unavailable
	case "NOAUTH", "WRONGPASS":
		return errorf(Unavailable, "the data service refuses its credentials").because(errors.New(text))
	}
	return errorf(code, "Redis: %s", text).with("redis", word)
}

// failure is why a call failed.
func (r *redisService) failure(ctx context.Context, err error) *Error {
	if isReply(err) {
		return replyError(err.Error()).because(err)
	}
	op, dialed := errors.AsType[*net.OpError](err)
	switch {
	case errors.Is(err, redis.ErrPoolTimeout):
		return errorf(Overloaded, "no connection to %s was free in time; try again", r.name).because(err)
	case dialed && op.Op == "dial":
		return broken(ctx, r.name, false, err)
	}
	return broken(ctx, r.name, true, err)
}
