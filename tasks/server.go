package tasks

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// Options of [Serve]. The zero value is usable.
type Options struct {
	// Concurrency is how many tasks run at once at most; default 32.
	Concurrency int
	// StopWithin is how long active tasks may take to finish when serving ends; then they are given back for another
	// server to run. Default: as long as a job may take at most.
	StopWithin time.Duration
	// Log takes what asynq has to say from warn on; default [slog.Default].
	Log *slog.Logger
}

const (
	defaultConcurrency = 32
	// checkInterval is how often an idle server looks for tasks, and so about how late a tick runs.
	checkInterval = 50 * time.Millisecond
	// janitorInterval is how often a hundred tasks past their retention are removed. asynq's own 8 s would not keep up
	// with a dozen jobs that run each second.
	janitorInterval = time.Second
)

// Serve runs tasks in handler until ctx is cancelled; then it takes no more, and returns once the active ones have
// finished. It fails at once if Redis does not answer, and waits for one that goes away later. A run that its job
// stopped, or that threw or took too long, is archived as failed in asynq and not run again.
func Serve(ctx context.Context, redis Redis, handler hooks.Handler, opts Options) error {
	if opts.Concurrency <= 0 {
		opts.Concurrency = defaultConcurrency
	}
	if opts.StopWithin <= 0 {
		opts.StopWithin = taskTimeout
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if err := redis.Ping(ctx); err != nil {
		return fmt.Errorf("task server: %w", err)
	}
	server := asynq.NewServer(redis.opt, asynq.Config{
		Concurrency:       opts.Concurrency,
		Queues:            map[string]int{redis.queue(): 1},
		BaseContext:       func() context.Context { return context.WithoutCancel(ctx) },
		TaskCheckInterval: checkInterval,
		ShutdownTimeout:   opts.StopWithin,
		JanitorInterval:   janitorInterval,
		Logger:            logger{opts.Log},
		LogLevel:          asynq.WarnLevel,
	})
	if err := server.Start(taskHandler{handler, opts.Log}); err != nil {
		return fmt.Errorf("task server: %w", err)
	}
	<-ctx.Done()
	server.Shutdown()
	return nil
}

// taskHandler stands between asynq's tasks and our events.
type taskHandler struct {
	handler hooks.Handler
	log     *slog.Logger
}

// ProcessTask runs one task. It is where a verdict becomes what asynq should do: nil is done, an error that wraps
// SkipRetry is never tried again, any other error is tried again as often as the task allows.
func (h taskHandler) ProcessTask(ctx context.Context, t *asynq.Task) error {
	e, err := received(ctx, t)
	if err != nil {
		h.log.Error("a task cannot be read", "error", err)
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	v := h.handler.Handle(ctx, e)
	switch {
	case !v.Stopped():
		return nil
	case v.Error == nil:
		return fmt.Errorf("stopped with status %d", v.Status)
	case v.Error.Code == hooks.CodeNotFound && v.Error.Hook == "":
		h.log.Warn("a tick is skipped: its job is gone", "task", e.ID)
		return nil
	}
	return fmt.Errorf("%s: %s", v.Error.Code, v.Error.Message)
}
