package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// logsCommand is what gaff logs was asked for.
type logsCommand struct {
	*terminal
	filter  filter
	follow  bool
	output  string
	file    string // to save a case in
	printer *recordPrinter
}

// filter is how records are chosen; empty fields choose all.
type filter struct {
	hook, job, status, id, trace, since, app string
	limit                                    int
}

// tail is how many earlier records a follower sees, unless it asks for more.
const tail = 10

func newLogs(t *terminal) *cobra.Command {
	l := &logsCommand{terminal: t}
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what ran: hooks and jobs, how they ended, what they logged",
		Long: "Show what ran: hooks and jobs, how they ended, what they logged.\n\n" +
			"With --save, what one event started becomes a case for `gaff test`; secrets are masked.",
		Example: "  gaff logs -f --hook customer\n  gaff logs --status failed --since 1h -o json\n" +
			"  gaff logs --id 4f1c2a --save tests/too-much.yaml",
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(l.output); err != nil {
				return err
			}
			if l.file != "" && (l.filter.id == "" || l.follow) {
				return usagef("--save makes a case of one event: name it with --id, and leave out -f")
			}
			query, err := l.filter.query(time.Now())
			if err != nil {
				return err
			}
			c, err := t.newClient(l.filter.app)
			if err != nil {
				return err
			}
			l.printer = t.newRecordPrinter()
			if l.file != "" {
				return l.save(cmd.Context(), c, query)
			}
			if l.follow {
				return l.stream(cmd.Context(), c, query)
			}
			_, err = l.list(cmd.Context(), c, query)
			return err
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&l.follow, "follow", "f", false, "go on with what runs from now on")
	flags.StringVar(&l.filter.hook, "hook", "", "only this hook")
	flags.StringVar(&l.filter.job, "job", "", "only this job")
	flags.StringVar(&l.filter.status, "status", "", "only this status: ok, rejected, failed, timeout, crashed or dead")
	flags.StringVar(&l.filter.id, "id", "", "only what this event started")
	flags.StringVar(&l.filter.trace, "trace", "", "only what belongs to the trace of this id")
	flags.StringVar(&l.filter.since, "since", "", "only since then: 10m ago, or a time such as 2026-01-02T15:04:05Z")
	flags.StringVar(&l.filter.app, "app", "", "the app; default: the key's")
	flags.IntVar(&l.filter.limit, "limit", 0, "only the newest so many; default: the server's")
	flags.StringVar(&l.file, "save", "", "write a case for gaff test to this new file; needs --id")
	outputFlag(cmd, &l.output)
	hooksOf, jobsOf := &target{terminal: t}, &target{terminal: t}
	t.complete(cmd, "hook", hooksOf.names("/v1/hooks", "name"))
	t.complete(cmd, "job", jobsOf.names("/v1/jobs", "name"))
	t.complete(cmd, "status", oneOf("ok", "rejected", "failed", "timeout", "crashed", "dead"))
	return cmd
}

// query validates the filter and returns it as the server takes it.
func (f *filter) query(now time.Time) (url.Values, error) {
	if err := checkName("hook", f.hook); err != nil {
		return nil, err
	}
	if err := checkName("job", f.job); err != nil {
		return nil, err
	}
	switch f.status {
	case "", "ok", "rejected", "failed", "timeout", "crashed", "dead":
	default:
		return nil, usagef("--status %q: use ok, rejected, failed, timeout, crashed or dead", f.status)
	}
	if f.hook != "" && f.job != "" {
		return nil, usagef("give --hook or --job, not both")
	}
	if f.limit < 0 {
		return nil, usagef("--limit must not be negative")
	}
	query := url.Values{}
	for name, value := range map[string]string{"hook": f.hook, "job": f.job, "status": f.status, "id": f.id, "trace": f.trace} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if f.limit > 0 {
		query.Set("limit", strconv.Itoa(f.limit))
	}
	if f.since != "" {
		since, err := instant(f.since, now)
		if err != nil {
			return nil, err
		}
		query.Set("since", since.UTC().Format(time.RFC3339Nano))
	}
	return query, nil
}

// instant reads --since.
func instant(s string, now time.Time) (time.Time, error) {
	if d, err := parseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usagef("--since %q: use a duration such as 10m or 2h, or a time such as 2026-01-02T15:04:05Z", s)
	}
	return t, nil
}

// list prints the records that the server has, and returns their ids.
func (l *logsCommand) list(ctx context.Context, c *client, query url.Values) (map[string]bool, error) {
	answer, err := c.call(ctx, http.MethodGet, "/v1/logs", query, nil)
	if err != nil {
		return nil, err
	}
	var records []json.RawMessage
	if err := json.Unmarshal(answer, &records); err != nil {
		return nil, fmt.Errorf("the server's answer is not a list of records: %w", err)
	}
	ids := make(map[string]bool, len(records))
	for _, raw := range records {
		id, err := l.print(raw)
		if err != nil {
			return nil, err
		}
		ids[id] = true
	}
	return ids, nil
}

// stream prints what was, and then each new record until ctx is cancelled. It listens before it looks, so that none is
// missed in between.
func (l *logsCommand) stream(ctx context.Context, c *client, query url.Values) error {
	answer, err := c.open(ctx, request{method: http.MethodGet, path: "/v1/logs/stream", query: query})
	if err != nil {
		return unlessCancelled(ctx, err)
	}
	defer answer.Body.Close()
	if !query.Has("since") && !query.Has("limit") {
		query.Set("limit", strconv.Itoa(tail))
	}
	seen, err := l.list(ctx, c, query)
	if err != nil {
		return unlessCancelled(ctx, err)
	}
	err = readEvents(answer.Body, func(data []byte) error {
		var known struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(data, &known) == nil && seen[known.ID] {
			delete(seen, known.ID)
			return nil
		}
		_, err := l.print(data)
		return err
	})
	if err == nil {
		err = fmt.Errorf("%s has ended the stream", c.server())
	}
	return unlessCancelled(ctx, err)
}

func unlessCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// print prints one record and returns its id.
func (l *logsCommand) print(raw json.RawMessage) (string, error) {
	var r hooks.Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return "", fmt.Errorf("the server sent what is not a record: %w", err)
	}
	if l.output == "json" {
		fmt.Fprintln(l.stdout, strings.ReplaceAll(strings.TrimSpace(string(raw)), "\n", " "))
		return r.ID, nil
	}
	return r.ID, l.printer.print(&r)
}
