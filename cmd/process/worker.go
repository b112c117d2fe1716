package process

import (
	"context"
	"runtime"
	"runtime/debug"

	"gaff/hooks"
	"gaff/outbound"
	"gaff/queue"
	"gaff/script"
	"gaff/tasks"
)

// worker is what runs scripts, in a process of its own or in this one.
type worker struct {
	*Parts
	redis    tasks.Redis
	recorder *queue.Log
	pool     *hooks.Pool
	jobs     *tasks.Queue
	services *dataServices
	accounts *tasks.Accounts
	outbound *outbound.Client
	methods  *hooks.Methods
	runner   *hooks.Runner
	watch    hooks.Watch // nil: nobody answers for this process
}

// Worker answers asks, works events off and runs the tasks of jobs, in this process, until ctx ends; then it finishes
// what it has accepted. It tells its health over HTTP if an address is configured.
//
// It stops in the order in which work flows: nothing new is taken in, what runs ends, what runs have committed and
// recorded is published.
func Worker(ctx context.Context, p *Parts) error {
	redis, err := tasks.ParseRedis(p.Config.RedisURL, p.Config.Prefix)
	if err != nil {
		return err
	}
	health, err := p.serveHealth(p.checks(redis))
	if err != nil {
		return err
	}
	if p.Config.MemoryLimit > 0 { // a small heap of short-lived objects: collecting at twice its size would never end
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(int64(p.Config.MemoryLimit))
	}
	recorder := queue.NewCountedLog(p.Conn, p.Metrics.Counts())
	defer recorder.Close()
	w, err := p.newWorker(redis, recorder, nil)
	if err != nil {
		return err
	}
	defer w.close()
	return together(ctx, append(w.parts(nil), health)...)
}

// newWorker connects what runs scripts; close ends it.
func (p *Parts) newWorker(redis tasks.Redis, recorder *queue.Log, watch hooks.Watch) (*worker, error) {
	services, err := openServices(&p.Config, p.Log)
	if err != nil {
		return nil, err
	}
	w := &worker{
		Parts: p, redis: redis, recorder: recorder, watch: watch, services: services,
		pool: hooks.NewPool(places(), p.Config.Concurrency), jobs: tasks.NewQueue(redis), accounts: tasks.NewAccounts(redis),
		outbound: outbound.New(p.Config.outgoing()),
	}
	w.methods = &hooks.Methods{Tables: p.Tables, Gate: p.Told, Services: services, Meter: w.accounts, Recorder: recorder, Log: p.Log}
	w.runner = &hooks.Runner{
		Tables: p.Tables, Engine: script.NewEngine(script.Config{Heap: p.Config.MemoryLimit / 2}), Collections: p.Collections,
		Functions: w.functions(), Recorder: recorder, Pool: w.pool, Watch: watch, Log: p.Log,
	}
	w.methods.Runner = w.runner
	w.runner.Conduct = hooks.NewConduct(func(app string, kind hooks.Kind, name string, q hooks.Quarantine) {
		ctx, cancel := context.WithTimeout(context.Background(), afterDeath)
		defer cancel()
		if err := quarantine(ctx, p.Releases, recorder, app, kind, name, q); err != nil {
			p.Log.Error("a hook could not be quarantined", "app", app, string(kind), name, "error", err)
		}
	})
	return w, nil
}

func (w *worker) close() {
	w.pool.Close()
	w.runner.Conduct.Wait()
	w.accounts.Close()
	w.outbound.Close()
	w.services.Close()
	w.jobs.Close()
}

// parts are what a worker does at the same time, from when it knows the releases: until then it would take calls for such
// as have no hooks. ready is called once asks are answered; it may be nil.
func (w *worker) parts(ready func()) []func(context.Context) error {
	pooled, apps, latest := w.pool.Handler(w.runner), w.Config.Serves(), queue.NewLatest(w.Releases, w.Tables)
	parts := []func(context.Context) error{
		func(ctx context.Context) error {
			return queue.Serve(ctx, w.Conn, w.runner, w.pool, queue.ServeOptions{Watch: w.watch, Ready: ready, Apps: apps, Latest: latest})
		},
		func(ctx context.Context) error {
			return queue.ServeCalls(ctx, w.Conn, w.methods.Do, w.pool, queue.ServeOptions{Watch: w.watch, Apps: apps, Latest: latest})
		},
		func(ctx context.Context) error {
			return queue.Consume(ctx, w.Conn, w.pool.Reactor(w.runner), w.recorder, queue.ConsumeOptions{
				AckWait: ackWait, StopWithin: stopWithin, Watch: w.watch, Apps: apps, Latest: latest,
			})
		},
		func(ctx context.Context) error { return w.serveTasks(ctx, w.redis, w.watched(pooled), w.recorder) },
	}
	for i, part := range parts {
		parts[i] = w.informed(part)
	}
	return parts
}

// informed has a part wait until the releases are known.
func (w *worker) informed(part func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if w.Live(ctx, "", 0) != nil {
			return nil // it ends before it has begun
		}
		return part(ctx)
	}
}

// watched notes the tasks that are in hand.
func (w *worker) watched(h hooks.Handler) hooks.Handler {
	if w.watch == nil {
		return h
	}
	return hooks.HandlerFunc(func(ctx context.Context, e *hooks.Event) hooks.Verdict {
		slot := w.watch.Hold(&hooks.Held{Kind: hooks.HeldTask, App: e.App, Reply: e.ID})
		if slot == nil {
			return hooks.Stop(hooks.Errorf(hooks.CodeOverloaded, "too many runs in flight; try again"))
		}
		defer slot.Done(nil)
		own := *e
		own.Slot = slot
		return h.Handle(ctx, &own)
	})
}

// places is how many runs compute at the same moment.
func places() int { return 2 * runtime.GOMAXPROCS(0) }
