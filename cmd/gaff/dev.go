package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"gaff/cmd/process"
	"gaff/hooks"
	"gaff/queue"
	"gaff/tasks"
)

// devOptions says how gaff dev runs.
type devOptions struct {
	dir        string // of the project
	http, nats string // addresses to listen on
	data       string // where everything is kept; empty: .gaff in the project
	allow      string // ranges of addresses that scripts may reach although they are not public
}

func newDev(t *terminal) *cobra.Command {
	o := devOptions{}
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Run a project in one process, and follow its changes",
		Long: "Run a project with everything it needs in one process: NATS, a worker, the clock of jobs, documents and HTTP.\n" +
			"A file that is saved is live within a second; one with an error is reported, and the last good release stays.",
		Example: "  gaff dev examples/earthquakes --http 127.0.0.1:8090",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.dir = folder(args)
			return o.run(cmd.Context(), t)
		},
	}
	cmd.Flags().StringVar(&o.http, "http", "127.0.0.1:8090", "address of the API; port 0 picks one")
	cmd.Flags().StringVar(&o.nats, "nats", "127.0.0.1:4222", "address of NATS; port 0 picks one")
	cmd.Flags().StringVar(&o.data, "data", "", "folder where everything is kept (default DIR/.gaff)")
	cmd.Flags().StringVar(&o.allow, "allow-addresses", "", "ranges that scripts may reach although they are not public, such as 127.0.0.1 (GAFF_ALLOW_ADDRESSES)")
	return cmd
}

// run runs worker and enqueuer in this process, on an embedded NATS server, Redis and SQLite, with the project applied
// and watched, until ctx ends.
func (o *devOptions) run(ctx context.Context, t *terminal) error {
	if err := o.check(); err != nil {
		return err
	}
	unlock, err := lockFolder(o.data)
	if err != nil {
		return err
	}
	defer unlock()
	listener, err := net.Listen("tcp", o.http)
	if err != nil {
		return fmt.Errorf("HTTP: %w", err)
	}
	defer listener.Close()
	log := slog.New(slog.NewTextHandler(t.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := queue.StartServer(queue.ServerConfig{Addr: o.nats, Dir: filepath.Join(o.data, "nats"), Log: log})
	if err != nil {
		return err
	}
	defer server.Shutdown()
	redis, err := tasks.StartEmbedded(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	defer redis.Close()
	vault, err := process.MakeVault(filepath.Join(o.data, "secrets.key"))
	if err != nil {
		return err
	}
	allowed, err := process.ParseRanges(cmp.Or(o.allow, os.Getenv("GAFF_ALLOW_ADDRESSES")))
	if err != nil {
		return usagef("--allow-addresses: %v", err)
	}
	services, stop, err := devServices(ctx)
	if err != nil {
		return err
	}
	defer stop()
	config := process.Config{
		Services: services,
		NATSURL:  server.URL(), RedisURL: redis.URL, SQLitePath: filepath.Join(o.data, "documents.db"),
		AllowAddresses: allowed, Concurrency: process.DefaultConcurrency, Prefix: "gaff", Vault: vault, Embedded: true,
	}
	if apps := os.Getenv("GAFF_APPS"); apps != "" {
		if config.Apps, err = process.ParseApps(apps); err == nil {
			err = config.CheckApps()
		}
		if err != nil {
			return usagef("GAFF_APPS: %v", err)
		}
	}
	parts, err := process.Open(ctx, config, log)
	if err != nil {
		return err
	}
	defer parts.Close()
	parts.Listener, parts.Open = listener, loopback(listener.Addr())
	return o.serve(ctx, parts, server.URL(), t)
}

// check fills in the data folder and refuses a folder that has no project.
func (o *devOptions) check() error {
	if _, err := os.Stat(filepath.Join(o.dir, hooks.ProjectFile)); err != nil {
		return fmt.Errorf("%s has no %s: write a project with `gaff init %s`", o.dir, hooks.ProjectFile, o.dir)
	}
	if o.data == "" {
		o.data = filepath.Join(o.dir, ".gaff")
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// serve runs both roles and follows the project, and says when everything is ready.
func (o *devOptions) serve(ctx context.Context, parts *process.Parts, nats string, t *terminal) error {
	recorder := queue.NewLog(parts.Conn)
	defer recorder.Close()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return process.Run(ctx, parts, process.Worker, process.Enqueuer) })
	g.Go(func() error {
		p := &project{
			dir: o.dir, data: o.data, releases: parts.Releases, secrets: queue.NewSecrets(parts.Conn),
			recorder: recorder, out: t.stdout, problems: t.stderr,
		}
		if err := p.load(ctx); err != nil {
			return err
		}
		fmt.Fprintf(t.stdout, "HTTP  http://%s\nNATS  %s\ndata  %s\n", parts.Listener.Addr(), nats, o.data)
		if err := p.live(ctx, parts); err != nil {
			return err
		}
		fmt.Fprintln(t.stdout, "ready")
		return p.follow(ctx)
	})
	g.Go(func() error {
		printer := t.newRecordPrinter()
		err := queue.Tail(ctx, parts.Conn, hooks.LogFilter{Since: time.Now()}, func(r hooks.Record) error {
			return printer.print(&r)
		})
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// live waits until calls run what the project says, or what was applied before if it is broken.
func (p *project) live(ctx context.Context, parts *process.Parts) error {
	app := hooks.DefaultApp
	if p.release != nil {
		app = p.release.App
	}
	if parts.Config.Serves().Serves(app) {
		if err := parts.Conn.ServedApp(ctx, app); err != nil {
			return err
		}
	}
	if p.release == nil {
		return parts.Live(ctx, "", 0)
	}
	return parts.Live(ctx, app, p.release.Number)
}

func loopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
