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
	cell := rand.Text()
	inputs, err := p.errands(cell)
	if err != nil {
		return err
	}
	died, err := p.Metrics.Deaths(executor.Reasons())
	if err != nil {
		return err
	}
	s, err := executor.New(executor.Config{
		Executors: p.Config.Executors, Slots: p.Config.share() + spareSlots, Memory: p.Config.MemoryLimit, Output: output,
		Input: func(place int) []byte { return inputs[min(place/p.Config.Executors, 1)] },
		StandIn: &standIn{
			Parts: p, ctx: context.WithoutCancel(ctx), queue: queue.NewStandIn(p.Conn, cell), jobs: jobs, recorder: recorder,
			crashes: hooks.NewStrikes(maxCrashes, crashWindow),
		},
		Records: func(entries [][]byte, again map[string]bool) {
			if err := recorder.Restore(context.WithoutCancel(ctx), entries, again); err != nil {
				p.Log.Error("records of an executor that died are lost", "records", len(entries), "error", err)
			}
		},
		Gone: func(counts []byte, reason string) {
			if p.Metrics.Gone(counts); reason != "" {
				died(reason)
			}
		},
		StopWithin: stopWithin + killAfter, Log: p.Log,
	})
	if err != nil {
		return err
	}
	if err := p.showExecutors(s); err != nil {
		return err
	}
	checks := maps.Clone(p.checks(redis))
	delete(checks, "releases")
	checks["executors"] = s.Ready
	health, err := p.serveHealth(checks)
	if err != nil {
		return err
	}
	return together(ctx, health, s.Run)
}

// share is how many runs one executor has in flight at most.
func (c *Config) share() int { return (c.Concurrency + c.Executors - 1) / c.Executors }

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

// errands are what the executors, and the cell, are told to be.
func (p *Parts) errands(cell string) (inputs [2][]byte, err error) {
	told, err := p.errand()
	if err != nil {
		return inputs, err
	}
	told.Config.Concurrency = p.Config.share()
	for i, name := range []string{"", cell} {
		told.Cell = name
		if inputs[i], err = json.Marshal(told); err != nil {
			return inputs, fmt.Errorf("what executors are told: %w", err)
		}
	}
	return inputs, nil
}
