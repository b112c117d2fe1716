package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"gaff/executor"
	"gaff/hooks"
	"gaff/metrics"
	"gaff/queue"
	"gaff/tasks"
)

// errand is what a supervisor tells an executor to be. It goes through a pipe, because it has passwords in it.
type errand struct {
	Config   Config
	VaultKey string
	Cell     string // of an executor for suspects: its name
}

// execute is the program of an executor.
func execute(ctx context.Context, stderr io.Writer) int {
	do := runExecutor
	if executor.ChildOnce() {
		do = doOnce
	}
	if err := do(ctx, stderr); err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", executor.Name, err)
		return exitFailed
	}
	return exitDone
}

func runExecutor(ctx context.Context, stderr io.Writer) error {
	e, err := executor.Inherit()
	if err != nil {
		return err
	}
	var told errand
	if err := json.Unmarshal(e.Input, &told); err != nil {
		return fmt.Errorf("what the supervisor says: %w", err)
	}
	config := told.Config
	if config.Vault, err = vaultOf(told.VaultKey); err != nil {
		return err
	}
	boundMemory(config.MemoryLimit)
	if err := executor.Bound(config.MemoryLimit); err != nil {
		return err
	}
	log := NewLogger(config, stderr).With("executor", os.Getpid())
	if apps := config.Serves(); !apps.All() {
		log = log.With("apps", apps.String())
	}
	parts, err := Open(ctx, config, log)
	if err != nil {
		return err
	}
	defer parts.Close()
	if err := executor.Confine(config.paths()); err != nil {
		return err
	}
	return Run(ctx, parts, func(ctx context.Context, p *Parts) error { return p.execute(ctx, e, told.Cell) })
}

// paths are the files that an executor works with after its start.
func (c *Config) paths() executor.Paths {
	var p executor.Paths
	if c.NATSCreds != "" {
		p.Read = append(p.Read, c.NATSCreds) // it is read again for each connection
	}
	if c.SQLitePath != "" {
		p.Write = append(p.Write, filepath.Dir(c.SQLitePath))
	}
	return p
}

// boundMemory has garbage collected in time for the process to stay under its cap, and not before it is worth while.
func boundMemory(limit uint64) {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(int64(limit / 10 * 8))
}

func vaultOf(key string) (*hooks.Vault, error) {
	if key == "" {
		return nil, nil
	}
	raw, err := hooks.ParseVaultKey(key)
	if err != nil {
		return nil, err
	}
	return hooks.NewVault(raw)
}

// execute runs scripts until ctx ends.
func (p *Parts) execute(ctx context.Context, e *executor.Executor, cell string) error {
	redis, err := tasks.ParseRedis(p.Config.RedisURL, p.Config.Prefix)
	if err != nil {
		return err
	}
	recorder := queue.NewJournaledLog(p.Conn, e.Journal, metrics.CountsIn(e.Counts))
	defer recorder.Close()
	w, err := p.newWorker(redis, recorder, e.Table)
	if err != nil {
		return err
	}
	defer w.close()
	upkeep, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	spare := make(chan error, 1)
	go func() { spare <- together(upkeep, e.Beat) }()
	if p.Live(ctx, "", 0) == nil {
		e.AwaitTurn(ctx)
	}
	parts := w.parts(e.Ready)
	if cell != "" {
		alone := queue.ServeOptions{Watch: e.Table, Ready: e.Ready}
		parts = []func(context.Context) error{w.informed(func(ctx context.Context) error {
			return queue.ServeAlone(ctx, p.Conn, cell, w.runner, w.pool, alone)
		})}
	}
	kept := make(chan error, 1)
	go func() {
		kept <- together(upkeep, func(ctx context.Context) error { return e.Table.Run(ctx, p.Conn.Ping) })
	}()
	err = together(ctx, parts...)
	end()
	return errors.Join(err, <-kept, <-spare)
}
