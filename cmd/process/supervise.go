package process

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"

	"gaff/executor"
	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// supervise keeps executors until ctx ends; then they finish what they have accepted. It tells the health of the worker
// over HTTP if an address is configured.
func supervise(ctx context.Context, p *Parts, output io.Writer) error {
	redis, err := tasks.ParseRedis(p.Config.RedisURL, p.Config.Prefix)
	if err != nil {
		return err
	}
	if err := redis.Ping(ctx); err != nil {
		return err
	}
	recorder := queue.NewCountedLog(p.Conn, p.Metrics.Counts())
	defer recorder.Close()
	jobs := tasks.NewQueue(redis)
	defer jobs.Close()
	died, err := p.Metrics.Deaths(executor.Reasons())
	if err != nil {
		return err
	}
	crashes := hooks.NewStrikes(maxCrashes, crashWindow)
	var sets []*executor.Supervisor
	for _, set := range p.Config.sets() {
		s, err := p.keep(ctx, set, &standIn{
			Parts: p, ctx: context.WithoutCancel(ctx), jobs: jobs, recorder: recorder, crashes: crashes, died: died,
		}, output)
		if err != nil {
			return err
		}
		sets = append(sets, s)
	}
	if err := p.showExecutors(sets); err != nil {
		return err
	}
	checks := maps.Clone(p.checks(redis))
	delete(checks, "releases")
	checks["executors"] = func(ctx context.Context) error {
		for _, s := range sets {
			if err := s.Ready(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	health, err := p.serveHealth(checks)
	if err != nil {
		return err
	}
	parts := []func(context.Context) error{health}
	for _, s := range sets {
		parts = append(parts, s.Run)
	}
	return together(ctx, parts...)
}

// keep returns what keeps the executors of a set. Each has a cell of its own, so that what is suspected of having ended an
// executor does not run beside the scripts of others.
func (p *Parts) keep(ctx context.Context, set AppSet, s *standIn, output io.Writer) (*executor.Supervisor, error) {
	cell := rand.Text()
	inputs, err := p.errands(set, cell)
	if err != nil {
		return nil, err
	}
	s.queue, s.apps = queue.NewStandIn(p.Conn, cell), set.Apps
	log := p.Log
	if !set.Apps.All() {
		log = log.With("apps", set.Apps.String())
	}
	return executor.New(executor.Config{
		Executors: set.Executors, Slots: p.Config.share(set) + spareSlots, Memory: p.Config.MemoryLimit, Output: output,
		Input:   func(place int) []byte { return inputs[min(place/set.Executors, 1)] },
		StandIn: s,
		Records: func(entries [][]byte, again map[string]bool) {
			if err := s.recorder.Restore(context.WithoutCancel(ctx), entries, again); err != nil {
				p.Log.Error("records of an executor that died are lost", "records", len(entries), "error", err)
			}
		},
		Gone: func(counts []byte, reason string) {
			if p.Metrics.Gone(counts); reason != "" {
				s.died(reason)
			}
		},
		StopWithin: stopWithin + killAfter, Log: log,
	})
}

// share is how many runs one executor of a set has in flight at most.
func (c *Config) share(set AppSet) int { return (c.Concurrency + set.Executors - 1) / set.Executors }

// errand is what another process needs of the configuration.
func (p *Parts) errand() (told errand, err error) {
	told.Config = p.Config
	told.Config.AdminKey, told.Config.HTTP = "", "" // it serves nobody who would show it
	told.Config.Executors = 0                       // and starts no others
	if p.Config.VaultFile != "" {
		if told.VaultKey, err = readSecret(p.Config.VaultFile); err != nil {
			return told, fmt.Errorf("key of secrets: %w", err)
		}
	}
	return told, nil
}

// errands are what the executors of a set, and its cell, are told to be.
func (p *Parts) errands(set AppSet, cell string) (inputs [2][]byte, err error) {
	told, err := p.errand()
	if err != nil {
		return inputs, err
	}
	told.Config.Concurrency, told.Config.Apps = p.Config.share(set), []AppSet{set}
	for i, name := range []string{"", cell} {
		told.Cell = name
		if inputs[i], err = json.Marshal(told); err != nil {
			return inputs, fmt.Errorf("what executors are told: %w", err)
		}
	}
	return inputs, nil
}
