package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// order is what gaff jobs enqueue was asked for.
type order struct{ data, delay, at, id string }

// newEnqueue orders a run of a job.
func (r *register) newEnqueue() *cobra.Command {
	o := order{}
	cmd := r.named("enqueue", "Order a run of a job, with a payload, now or later", func(ctx context.Context, name string) error {
		body, err := o.body(r.stdin)
		if err != nil {
			return err
		}
		answer, err := r.call(ctx, http.MethodPost, r.path+"/"+name+"/enqueue", body)
		if err != nil {
			return err
		}
		var got struct {
			ID       string `json:"id"`
			Existing bool   `json:"existing"`
		}
		if err := decode(answer, &got); err != nil {
			return err
		}
		if r.output == "json" {
			return r.printJSON(answer)
		}
		fmt.Fprintln(r.stdout, oneLine(got.ID))
		if got.Existing {
			fmt.Fprintln(r.stderr, "It was ordered before, and is not ordered again.")
		}
		return nil
	})
	cmd.Example = "  gaff jobs enqueue mail --data '{\"to\": \"ann@example.com\"}' --delay 5m\n" +
		"  gaff jobs enqueue report --at 2026-12-31T23:00:00Z --id year-end"
	flags := cmd.Flags()
	flags.StringVar(&o.data, "data", "", "the payload, JSON, or - for standard input")
	flags.StringVar(&o.delay, "delay", "", "how long to wait, such as 5m")
	flags.StringVar(&o.at, "at", "", "when, such as 2026-12-31T23:00:00Z")
	flags.StringVar(&o.id, "id", "", "an id; a run of one that is known already is not ordered again")
	return cmd
}

func (o *order) body(stdin io.Reader) (map[string]any, error) {
	body := map[string]any{}
	for name, value := range map[string]string{"delay": o.delay, "at": o.at, "id": o.id} {
		if value != "" {
			body[name] = value
		}
	}
	data := o.data
	if data == "-" {
		b, err := io.ReadAll(io.LimitReader(stdin, maxData+1))
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		data = string(b)
	}
	if data == "" {
		return body, nil
	}
	if len(data) > maxData {
		return nil, usagef("--data is larger than %d bytes", maxData)
	}
	if err := hooks.CheckJSON([]byte(data)); err != nil {
		return nil, usagef("--data: %s", hooks.AsError(err).Message)
	}
	body["payload"] = json.RawMessage(data)
	return body, nil
}

// newTasks lists what is in the queue.
func (r *register) newTasks() *cobra.Command {
	var job, state string
	limit := 100
	cmd := &cobra.Command{
		Use:   "tasks",
		Short: "List runs that wait, go on, or have failed for good",
		Long: "List the runs of jobs that the queue has: active ones go on, pending ones wait for a worker, scheduled ones for\n" +
			"their time, ones in retry for their next attempt, archived ones have failed for good. `gaff logs` has what has run.",
		Example: "  gaff jobs tasks --state archived\n  gaff jobs tasks --job mail -o json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkName("job", job); err != nil {
				return err
			}
			return r.tasks(cmd.Context(), job, state, limit)
		},
	}
	cmd.Flags().StringVar(&job, "job", "", "of this job only")
	cmd.Flags().StringVar(&state, "state", "", "active, pending, retry, scheduled or archived; default: all")
	cmd.Flags().IntVar(&limit, "limit", limit, "at most so many, up to 1000")
	r.complete(cmd, "job", r.names(r.path, "name"))
	r.complete(cmd, "state", oneOf("active", "pending", "retry", "scheduled", "archived"))
	return cmd
}

func (r *register) tasks(ctx context.Context, job, state string, limit int) error {
	c, err := r.connect()
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if job != "" {
		query.Set("job", job)
	}
	if state != "" {
		query.Set("state", state)
	}
	answer, err := c.call(ctx, http.MethodGet, "/v1/tasks", query, nil)
	if err != nil {
		return err
	}
	if r.output == "json" {
		return r.printJSON(answer)
	}
	var list []hooks.Task
	if err := decode(answer, &list); err != nil {
		return err
	}
	if len(list) == 0 {
		fmt.Fprintln(r.stderr, "The queue has no such runs.")
		return nil
	}
	header := []string{"ID", "JOB", "STATE", "DUE", "FAILED", "ERROR"}
	rows := make([][]string, len(list))
	for i := range list {
		t := &list[i]
		due := t.ScheduledAt
		if t.Due != nil {
			due = *t.Due
		}
		rows[i] = []string{t.ID, t.Job, string(t.State), moment(due.Round(time.Second)), number(uint64(max(t.Attempts, 0))), shortened(t.Error)}
	}
	return r.printTable(header, rows)
}

// maxErrorShown is how much of an error a table shows, in characters.
const maxErrorShown = 80

func shortened(s string) string {
	if r := []rune(s); len(r) > maxErrorShown {
		return string(r[:maxErrorShown]) + "…"
	}
	return s
}

// newTaskChange makes a command that does something with runs in the queue.
func (r *register) newTaskChange(use, short, method, suffix, done string) *cobra.Command {
	return &cobra.Command{
		Use:     use + " ID...",
		Short:   short,
		Example: "  gaff jobs " + use + " default:nightly:2026-01-02T03:00:00Z",
		Args:    arguments(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, id := range args {
				if id == "" || strings.ContainsAny(id, "/ ") {
					return usagef("%q is not the id of a run: `gaff jobs tasks` lists them", id)
				}
				answer, err := r.call(cmd.Context(), method, "/v1/tasks/"+url.PathEscape(id)+suffix, nil)
				if err != nil {
					return advise(err, hooks.CodeNotFound, "`gaff jobs tasks` lists those that there are.")
				}
				if r.output == "json" {
					if err := r.printJSON(answer); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(r.stdout, "%s %s\n", oneLine(id), done)
			}
			return nil
		},
		ValidArgsFunction: r.names("/v1/tasks", "id"),
	}
}

// taskCommands are those on the queue of jobs.
func (r *register) taskCommands() []*cobra.Command {
	retry := r.newTaskChange("retry", "Have runs that wait, or have failed for good, run now", http.MethodPost, "/retry", "runs again")
	cancel := r.newTaskChange("cancel", "Remove runs that wait, or have failed for good", http.MethodDelete, "", "is removed")
	cancel.Aliases = []string{"delete"}
	return []*cobra.Command{r.newEnqueue(), r.newTasks(), retry, cancel}
}
