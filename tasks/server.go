package tasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// Options of [Serve]. All is optional but Tables.
type Options struct {
	// Tables say which jobs there are, and how often each may run at once and is tried.
	Tables *hooks.Tables
	// Journal has the records of runs. A task has run once its record is there, so that a worker that dies in between
	// neither loses a run nor repeats it. Default: runs are not recorded, and the task of a worker that dies runs again.
	Journal Journal
	// Concurrency is how many tasks run at once at most; default 128.
	Concurrency int
	// StopWithin is how long active tasks may take to finish when serving ends; then they are given back for another
	// server to run. Default: as long as a job may take at most.
	StopWithin time.Duration
	// Apps are those whose tasks run here; default: all. Others are put back for another server to take.
	Apps hooks.Apps
	// Served says whether there is one for an app that this server does not run the tasks of; default: there may be.
	Served func(ctx context.Context, app string) bool
	// Log takes what asynq has to say from warn on; default [slog.Default].
	Log *slog.Logger
}

// Journal keeps the records of runs.
type Journal interface {
	hooks.Recorder
	// Flush returns once every record so far is kept.
	Flush(ctx context.Context) error
	// Logs returns the records that f selects.
	Logs(ctx context.Context, f hooks.LogFilter) ([]hooks.Record, error)
}

const (
	defaultConcurrency = 128
	// checkInterval is how often an idle server looks for tasks, and so about how late a tick runs.
	checkInterval = 50 * time.Millisecond
	// delayedInterval is how often a server looks for tasks whose time has come.
	delayedInterval = 500 * time.Millisecond
	// sharedInterval is the same for a server that puts tasks back for others.
	sharedInterval = 50 * time.Millisecond
	// janitorInterval is how often a hundred tasks past their retention are removed. asynq's own 8 s would not keep up
	// with a dozen jobs that run each second.
	janitorInterval = time.Second
)

func (o Options) withDefaults() Options {
	if o.Concurrency <= 0 {
		o.Concurrency = defaultConcurrency
	}
	if o.StopWithin <= 0 {
		o.StopWithin = taskTimeout
	}
	if o.Served == nil {
		o.Served = func(context.Context, string) bool { return true }
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func (o *Options) delayed() time.Duration {
	if o.Apps.All() {
		return delayedInterval
	}
	return sharedInterval
}

// Serve runs tasks in handler until ctx is cancelled; then it takes no more, and returns once the active ones have
// finished. It fails at once if Redis does not answer, and waits for one that goes away later. A run that fails is tried
// again as its job says, and then archived. The task of a server that dies is run again by another, after about 20 s if
// nobody gives it back before; three such deaths are taken for the job's own fault.
func Serve(ctx context.Context, redis Redis, handler hooks.Handler, opts Options) error {
	opts = opts.withDefaults()
	if err := redis.Ping(ctx); err != nil {
		return fmt.Errorf("task server: %w", err)
	}
	queue := NewQueue(redis)
	defer queue.Close()
	server := asynq.NewServer(redis.opt, asynq.Config{
		Concurrency:              opts.Concurrency,
		Queues:                   map[string]int{redis.queue(): 1},
		BaseContext:              func() context.Context { return context.WithoutCancel(ctx) },
		TaskCheckInterval:        checkInterval,
		DelayedTaskCheckInterval: opts.delayed(),
		ShutdownTimeout:          opts.StopWithin,
		JanitorInterval:          janitorInterval,
		IsFailure:                isFailure,
		RetryDelayFunc:           retryDelay,
		Logger:                   logger{opts.Log},
		LogLevel:                 asynq.WarnLevel,
	})
	if err := server.Start(&taskHandler{handler, queue, opts}); err != nil {
		return fmt.Errorf("task server: %w", err)
	}
	var watching sync.WaitGroup
	watching.Go(func() { (&orphans{queue: queue, log: opts.Log}).watch(ctx) })
	<-ctx.Done()
	server.Shutdown()
	watching.Wait()
	return nil
}

// again has asynq try a task again. Only what counts is one of its failures.
type again struct {
	error
	after  time.Duration
	counts bool
}

func (a *again) Unwrap() error { return a.error }

// final has asynq archive a task.
type final struct{ error }

// Is makes it asynq's own error for that.
func (final) Is(target error) bool { return target == asynq.SkipRetry }

func (f final) Unwrap() error { return f.error }

// isFailure tells asynq whether a task has failed, rather than not run.
func isFailure(err error) bool {
	if a, ok := errors.AsType[*again](err); ok {
		return a.counts
	}
	return !errors.Is(err, asynq.ErrLeaseExpired) // of a worker that died, or was cut off
}

// retryDelay tells asynq when to try a task again.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	if a, ok := errors.AsType[*again](err); ok {
		return a.after
	}
	return 0
}
