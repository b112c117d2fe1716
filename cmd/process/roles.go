package process

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/sync/errgroup"

	"gaff/edge"
	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// stopWithin is how long a stopping process waits for what it has accepted.
const stopWithin = 25 * time.Second

// ackWait is after what time another worker gets the event of one that died.
const ackWait = 10 * time.Second

// Enqueuer serves HTTP, ticks the clock of jobs and relays the outbox, until ctx ends; then it answers what it has
// accepted.
func Enqueuer(ctx context.Context, p *Parts) error {
	redis, err := tasks.ParseRedis(p.Config.RedisURL, p.Config.Prefix)
	if err != nil {
		return err
	}
	listener, err := p.listen()
	if err != nil {
		return err
	}
	recorder := queue.NewCountedLog(p.Conn, p.Metrics.Counts())
	defer recorder.Close()
	keys := &callers{Keys: queue.NewKeys(p.Conn)}
	jobs := tasks.NewQueue(redis)
	defer jobs.Close()
	accounts := tasks.NewAccounts(redis)
	defer accounts.Close()
	config := p.edge(redis, jobs, keys)
	config.Accounts = accounts
	config.Checks["keys"] = keys.check
	config.Recorder, config.Metrics = recorder, p.Metrics.Handler()
	if err := p.showWaiting(jobs); err != nil {
		return err
	}
	server, err := edge.New(config)
	if err != nil {
		listener.Close()
		return err
	}
	p.Log.Info("serving", "url", "http://"+listener.Addr().String())
	return together(ctx,
		func(ctx context.Context) error { return server.Run(ctx, listener) },
		func(ctx context.Context) error { return p.schedule(ctx, redis) },
		keys.run,
	)
}

// edge is what the HTTP server is told.
func (p *Parts) edge(redis tasks.Redis, jobs *tasks.Queue, keys *callers) edge.Config {
	return edge.Config{
		Collections: p.Collections, Gate: p.Told, Calls: p.Gate, Tables: p.Tables, Releases: p.Releases, History: p.Releases, States: p.Releases,
		Apps: p.Releases, Authority: keys, Signatures: keys, Keys: keys, Secrets: queue.NewSecrets(p.Conn),
		Build: p.build, DryRun: p.try, Logs: logs{p.Conn}, Dead: p.Conn, Once: &hooks.Once{Marks: queue.NewMarks(p.Conn)},
		Replay: func(ctx context.Context, f hooks.ReplayFilter, perSecond int, dry bool) (hooks.Replayed, error) {
			return p.Conn.Replay(ctx, p.Tables.Of(f.App), f, perSecond, dry)
		},
		RunJob: p.runJob(jobs), Tasks: jobs, TaskControl: jobs,
		Checks: p.checks(redis), Doctor: p.doctor(redis),
		AdminKey: p.Config.AdminKey, Open: p.Open, Log: p.Log,
	}
}

// logs reads the log stream.
type logs struct{ conn *queue.Conn }

func (l logs) Logs(ctx context.Context, f hooks.LogFilter) ([]hooks.Record, error) {
	return queue.Logs(ctx, l.conn, f)
}

func (l logs) Tail(ctx context.Context, f hooks.LogFilter, each func(hooks.Record) error) error {
	return queue.Tail(ctx, l.conn, f, each)
}

func (p *Parts) listen() (net.Listener, error) {
	if p.Listener != nil {
		return p.Listener, nil
	}
	address := p.Config.HTTP
	if address == "" {
		address = "127.0.0.1:8090"
	}
	return listen(address)
}

// Run runs roles until ctx ends or one of them fails, which ends the others. What every role needs runs beside them and
// ends after them: the tables follow the releases, and the relay publishes what is committed.
func Run(ctx context.Context, p *Parts, roles ...Role) error {
	upkeep, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	relay := &hooks.Relay{Outbox: p.Store, Publisher: p.Gate, Log: p.Log}
	below, upkeep := errgroup.WithContext(upkeep)
	below.Go(func() error { return p.follow(upkeep) })
	below.Go(func() error { return relay.Run(upkeep) })
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(upkeep, stop)() // nothing works without it
	above := make([]func(context.Context) error, len(roles))
	for i, role := range roles {
		above[i] = func(ctx context.Context) error { return role(ctx, p) }
	}
	err := together(ctx, above...)
	end()
	return errors.Join(err, below.Wait())
}

// together runs functions until ctx ends or one of them fails, which ends the others.
func together(ctx context.Context, functions ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range functions {
		g.Go(func() error { return f(ctx) })
	}
	return g.Wait()
}

// follow keeps the tables at the current releases.
func (p *Parts) follow(ctx context.Context) error {
	return p.Releases.Watch(ctx, p.Tables, func(t *hooks.Table) {
		log := p.Log.With("app", t.Release.App, "release", t.Release.Number)
		if t.Canary != nil {
			log = log.With("canary", t.Canary.Release.Number, "percent", t.Percent)
		}
		log.Info("release is live")
		p.live.tell()
	}, p.live.done)
}
