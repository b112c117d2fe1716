package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/pflag"

	"gaff/executor"
)

// Exit codes of the commands.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Role is what a process does once its parts are connected; it ends when ctx does.
type Role func(ctx context.Context, parts *Parts) error

// Main is the program of a command: configuration, connections, the role until SIGINT or SIGTERM, an exit code.
func Main(ctx context.Context, command string, role Role, args, environ []string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if executor.Child() {
		return execute(ctx, stderr)
	}
	err := run(ctx, command, role, args, environ, stderr)
	switch {
	case err == nil || errors.Is(err, pflag.ErrHelp):
		return exitDone
	case errors.Is(err, ErrUsage):
		fmt.Fprintf(stderr, "%s: %v\n", command, err)
		return exitUsage
	}
	fmt.Fprintf(stderr, "%s: %v\n", command, err)
	return exitFailed
}

func run(ctx context.Context, command string, role Role, args, environ []string, stderr io.Writer) error {
	config, err := LoadConfig(command, args, environ, stderr)
	if err != nil {
		return err
	}
	log := NewLogger(config, stderr)
	parts, err := Open(ctx, config, log)
	if err != nil {
		return err
	}
	defer parts.Close()
	if config.Check {
		if err := parts.pingServices(ctx); err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%s: configuration and connections are right\n", command)
		return nil
	}
	if command == commandWorker && config.Executors > 0 {
		return supervise(ctx, parts, stderr)
	}
	return Run(ctx, parts, role)
}

// commandWorker is the one command whose scripts have processes of their own.
const commandWorker = "worker"

// NewLogger returns the process's own log, as the configuration wants it.
func NewLogger(c Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
