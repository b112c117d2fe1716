package process

import (
	"context"

	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// journal is the log as the jobs of a worker need it: they have run once their records are there.
type journal struct {
	*queue.Log
	logs
}

// serveTasks runs the tasks of jobs, once it is known which jobs there are.
func (p *Parts) serveTasks(ctx context.Context, redis tasks.Redis, handler hooks.Handler, recorder *queue.Log) error {
	if err := redis.Ping(ctx); err != nil { // before anything else is waited for
		return err
	}
	if p.Live(ctx, "", 0) != nil {
		return nil // it ends before it has begun
	}
	apps := p.Config.Serves()
	return tasks.Serve(ctx, redis, handler, tasks.Options{
		Tables: p.Tables, Journal: journal{recorder, logs{p.Conn}}, Log: p.Log, StopWithin: stopWithin,
		Apps: apps, Served: queue.NewWhereabouts(p.Conn, apps).Served,
	})
}

// schedule ticks the clock of jobs, once it is known which jobs there are.
func (p *Parts) schedule(ctx context.Context, redis tasks.Redis) error {
	if err := redis.Ping(ctx); err != nil {
		return err
	}
	if p.Live(ctx, "", 0) != nil {
		return nil
	}
	return tasks.NewScheduler(redis, p.Tables, p.Log).Run(ctx)
}

// runJob has a job run once, soon.
func (p *Parts) runJob(jobs *tasks.Queue) func(ctx context.Context, app, job string) (string, error) {
	return func(ctx context.Context, app, job string) (string, error) {
		j := p.Tables.Of(app).Job(job)
		if j == nil {
			return "", hooks.Errorf(hooks.CodeNotFound, "there is no job %s that is on", job)
		}
		return jobs.Run(ctx, app, j)
	}
}
