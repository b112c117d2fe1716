package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// deadCommand is what gaff dead was asked for.
type deadCommand struct {
	target
	hook, event, text, since, until string
	all                             bool
	limit, rate                     int
}

// letter is a dead letter as the server lists it.
type letter struct {
	ID       string             `json:"id"`
	Time     time.Time          `json:"time"`
	Hook     string             `json:"hook"`
	Event    map[string]any     `json:"event"`
	Attempts []hooks.Attempt    `json:"attempts"`
	Error    *hooks.RecordError `json:"error"`
}

func newDead(t *terminal) *cobra.Command {
	d := &deadCommand{target: target{terminal: t}}
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List, look at, replay and drop dead letters",
		Long: "List, look at, replay and drop dead letters: hooks that reacted to an event, failed as often as they may, and were given up.\n" +
			"Without a command, they are listed, the oldest first.",
		Example: "  gaff dead\n  gaff dead ls --hook notify --since 2h\n  gaff dead show 5f0c…\n" +
			"  gaff dead replay --hook notify\n  gaff dead drop --error 'no such customer'",
		Args: arguments(cobra.NoArgs),
		RunE: d.ls,
	}
	d.flags(cmd)
	d.choose(cmd)
	ls := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List dead letters", Example: "  gaff dead ls --since 2h -o json",
		Args: arguments(cobra.NoArgs), RunE: d.ls,
	}
	d.choose(ls)
	for _, c := range []*cobra.Command{cmd, ls} {
		c.Flags().IntVar(&d.limit, "limit", 0, "only the oldest so many; default: the server's")
	}
	cmd.AddCommand(ls, d.newShow(), d.newReplayDead(), d.newDrop())
	return cmd
}

// choose adds the flags with which letters are chosen.
func (d *deadCommand) choose(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&d.hook, "hook", "", "only those of this hook")
	flags.StringVar(&d.event, "id", "", "only those of the event with this id")
	flags.StringVar(&d.text, "error", "", "only those whose error has this text, in any case")
	flags.StringVar(&d.since, "since", "", "only those given up since then: 10m ago, or a time such as 2026-01-02T15:04:05Z")
	flags.StringVar(&d.until, "until", "", "only those given up before then")
	d.complete(cmd, "hook", d.names("/v1/hooks", "name"))
}

// selection is what is chosen, as the server takes it.
func (d *deadCommand) selection(now time.Time) (map[string]string, error) {
	if err := checkName("hook", d.hook); err != nil {
		return nil, err
	}
	chosen := map[string]string{"hook": d.hook, "event": d.event, "error": d.text}
	for name, value := range map[string]string{"since": d.since, "until": d.until} {
		if value == "" {
			continue
		}
		at, err := instant(value, now)
		if err != nil {
			return nil, err
		}
		chosen[name] = at.UTC().Format(time.RFC3339Nano)
	}
	for name, value := range chosen {
		if value == "" {
			delete(chosen, name)
		}
	}
	return chosen, nil
}

func (d *deadCommand) ls(cmd *cobra.Command, _ []string) error {
	chosen, err := d.selection(time.Now())
	if err != nil {
		return err
	}
	query := url.Values{}
	for name, value := range chosen {
		if name == "event" {
			name = "id"
		}
		query.Set(name, value)
	}
	if d.limit < 0 {
		return usagef("--limit must not be negative")
	}
	if d.limit > 0 {
		query.Set("limit", strconv.Itoa(d.limit))
	}
	c, err := d.connect()
	if err != nil {
		return err
	}
	answer, err := c.call(cmd.Context(), http.MethodGet, "/v1/dead", query, nil)
	if err != nil {
		return err
	}
	var letters []letter
	if err := decode(answer, &letters); err != nil {
		return err
	}
	switch {
	case d.output == "json":
		return d.printJSON(answer)
	case len(letters) == 0:
		fmt.Fprintln(d.stderr, "There are no dead letters.")
		return nil
	}
	rows := make([][]string, len(letters))
	for i := range letters {
		l := &letters[i]
		about := fmt.Sprintf("%v %v %v", l.Event["phase"], l.Event["service"], l.Event["operation"])
		rows[i] = []string{l.ID, moment(l.Time), l.Hook, fmt.Sprint(l.Event["id"]), about, strconv.Itoa(len(l.Attempts)), l.why()}
	}
	return d.printTable([]string{"ID", "GIVEN UP", "HOOK", "EVENT", "FOR", "ATTEMPTS", "ERROR"}, rows)
}

func (l *letter) why() string {
	if l.Error == nil {
		return ""
	}
	return string(l.Error.Code) + ": " + l.Error.Message
}

func (d *deadCommand) newShow() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show a dead letter with its event and all attempts", Example: "  gaff dead show 5f0c…",
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := d.call(cmd.Context(), http.MethodGet, "/v1/dead/"+url.PathEscape(args[0]), nil)
			if err != nil {
				return advise(err, hooks.CodeNotFound, "`gaff dead` lists those that there are.")
			}
			if d.output == "json" {
				return d.printJSON(answer)
			}
			text, err := yamlText(answer)
			if err != nil {
				return fmt.Errorf("the server's answer is not JSON: %w", err)
			}
			fmt.Fprint(d.stdout, plain(text))
			return nil
		},
		ValidArgsFunction: d.names("/v1/dead", "id"),
	}
}

func (d *deadCommand) newReplayDead() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "replay [ID…]",
		Short: "Run the hooks of dead letters again",
		Long: "Run the hooks of dead letters again, each with all its attempts, and take the letters away. Name letters by their ids, choose\n" +
			"them by flags, or say --all. One that is replayed twice runs once.",
		Example: "  gaff dead replay 5f0c…\n  gaff dead replay --hook notify --since 2h --rate 20\n  gaff dead replay --all",
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.each(args, func(body map[string]any) error { return d.replayAll(cmd.Context(), "/v1/dead/replay", body) })
		},
		ValidArgsFunction: d.names("/v1/dead", "id"),
	}
	d.change(cmd)
	cmd.Flags().IntVar(&d.rate, "rate", 0, "how many in a second; default: the server's")
	return cmd
}

func (d *deadCommand) newDrop() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "drop [ID…]",
		Short:   "Take dead letters away for ever",
		Long:    "Take dead letters away for ever. Name letters by their ids, choose them by flags, or say --all.",
		Example: "  gaff dead drop 5f0c…\n  gaff dead drop --error 'no such customer'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return d.each(args, func(body map[string]any) error { return d.dropAll(cmd.Context(), body) })
		},
		ValidArgsFunction: d.names("/v1/dead", "id"),
	}
	d.change(cmd)
	return cmd
}

// change adds the flags of what changes letters.
func (d *deadCommand) change(cmd *cobra.Command) {
	d.choose(cmd)
	cmd.Flags().BoolVar(&d.all, "all", false, "all of the app's")
}

// each calls do with what the letters are chosen by: ids, or flags.
func (d *deadCommand) each(ids []string, do func(body map[string]any) error) error {
	chosen, err := d.selection(time.Now())
	switch {
	case err != nil:
		return err
	case d.rate < 0:
		return usagef("--rate must not be negative")
	case len(ids) > 0 && (len(chosen) > 0 || d.all):
		return usagef("name letters by their ids or choose them by flags, not both")
	case len(ids) == 0 && len(chosen) == 0 && !d.all:
		return usagef("say which dead letters: by their ids, by --hook, --id, --error, --since, --until, or --all")
	}
	bodies := []map[string]any{}
	for _, id := range ids {
		bodies = append(bodies, map[string]any{"id": id})
	}
	if len(ids) == 0 {
		body := map[string]any{"all": d.all}
		for name, value := range chosen {
			body[name] = value
		}
		bodies = append(bodies, body)
	}
	for _, body := range bodies {
		if err := do(body); err != nil {
			return err
		}
	}
	return nil
}

// replayAll asks the server to replay until nothing is left, and says what was done.
func (d *deadCommand) replayAll(ctx context.Context, path string, body map[string]any) error {
	if d.rate > 0 {
		body["rate"] = d.rate
	}
	total, err := d.repeat(ctx, path, body)
	if err != nil {
		return err
	}
	if d.output == "json" {
		return d.printValue(total)
	}
	fmt.Fprintf(d.stdout, "%s to run again", count(total.Replayed, "hook"))
	if total.Duplicate > 0 {
		fmt.Fprintf(d.stdout, ", %d on the way already", total.Duplicate)
	}
	fmt.Fprintln(d.stdout)
	return nil
}

// repeat posts as long as there is something left, and adds up what was done.
func (g *target) repeat(ctx context.Context, path string, body map[string]any) (total hooks.Replayed, err error) {
	for {
		answer, err := g.call(ctx, http.MethodPost, path, body)
		if err != nil {
			return total, err
		}
		var done hooks.Replayed
		if err := decode(answer, &done); err != nil {
			return total, err
		}
		total.Found += done.Found
		total.Replayed += done.Replayed
		total.Duplicate += done.Duplicate
		if !done.Left {
			return total, nil
		}
		if done.Next > 0 {
			body["after"] = done.Next
		}
		if !done.Until.IsZero() {
			body["until"] = done.Until.Format(time.RFC3339Nano)
		}
		fmt.Fprintf(g.stderr, "%s so far\n", count(total.Found, "hook"))
	}
}

func (d *deadCommand) dropAll(ctx context.Context, body map[string]any) error {
	var total struct {
		Dropped int  `json:"dropped"`
		Left    bool `json:"left"`
	}
	for {
		answer, err := d.call(ctx, http.MethodPost, "/v1/dead/drop", body)
		if err != nil {
			return err
		}
		before := total.Dropped
		if err := json.Unmarshal(answer, &total); err != nil {
			return fmt.Errorf("the server's answer is not as expected: %w", err)
		}
		total.Dropped += before
		if !total.Left {
			break
		}
	}
	if d.output == "json" {
		return d.printValue(map[string]int{"dropped": total.Dropped})
	}
	fmt.Fprintf(d.stdout, "%s dropped\n", count(total.Dropped, "dead letter"))
	return nil
}
