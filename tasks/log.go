package tasks

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogRedis has the Redis client write its own lines to log, at debug, instead of to standard error: what matters of
// them is in our errors, or in asynq's warnings. That client has one logger for the whole process, so this is for main
// to call, before anything else here.
func LogRedis(log *slog.Logger) { redis.SetLogger(redisLogger{log}) }

type redisLogger struct {
	log *slog.Logger
}

func (l redisLogger) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, fmt.Sprintf(format, args...))
}

// logger passes asynq's own lines on. Where it is used, its level is set to warn.
type logger struct {
	log *slog.Logger
}

func (l logger) Debug(args ...any) { l.log.Debug(fmt.Sprint(args...)) }
func (l logger) Info(args ...any)  { l.log.Info(fmt.Sprint(args...)) }
func (l logger) Warn(args ...any)  { l.log.Warn(fmt.Sprint(args...)) }
func (l logger) Error(args ...any) { l.log.Error(fmt.Sprint(args...)) }

// Fatal does not end the process, which is for main to decide. asynq 0.26 never calls it.
func (l logger) Fatal(args ...any) { l.log.Error(fmt.Sprint(args...)) }
