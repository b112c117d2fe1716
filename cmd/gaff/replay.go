package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// replayCommand is what gaff replay was asked for.
type replayCommand struct {
	target
	hook, event, since, until string
	dry                       bool
	rate                      int
}

func newReplay(t *terminal) *cobra.Command {
	r := &replayCommand{target: target{terminal: t}}
	cmd := &cobra.Command{
		Use:   "replay",
		Short: "Run a hook for events of the past",
		Long: "Run a registered hook for events that are still kept, whether or not it has run for them: a new hook, or one that was fixed.\n" +
			"The other hooks of the events do not run. --dry-run says how many there are.",
		Example: "  gaff replay --hook notify --since 2h --dry-run\n  gaff replay --hook notify --since 2h --rate 50\n  gaff replay --hook notify --id 4f1c2a",
		Args:    arguments(cobra.NoArgs),
		RunE:    r.run,
	}
	r.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&r.hook, "hook", "", "the hook (required)")
	flags.StringVar(&r.event, "id", "", "only the event with this id")
	flags.StringVar(&r.since, "since", "", "only events published since then: 2h ago, or a time such as 2026-01-02T15:04:05Z")
	flags.StringVar(&r.until, "until", "", "only events published before then; default: now")
	flags.BoolVar(&r.dry, "dry-run", false, "only say how many there are")
	flags.IntVar(&r.rate, "rate", 0, "how many in a second; default: the server's")
	t.complete(cmd, "hook", r.names("/v1/hooks", "name"))
	return cmd
}

func (r *replayCommand) run(cmd *cobra.Command, _ []string) error {
	body, err := r.body(time.Now())
	if err != nil {
		return err
	}
	total, err := r.repeat(cmd.Context(), "/v1/replay", body)
	if err != nil {
		return advise(err, hooks.CodeHookNotFound, "`gaff hooks` lists those that there are.")
	}
	switch {
	case r.output == "json":
		return r.printValue(total)
	case r.dry:
		fmt.Fprintf(r.stdout, "%s would run for %s\n", r.hook, count(total.Found, "event"))
	default:
		fmt.Fprintf(r.stdout, "%s is to run for %s", r.hook, count(total.Replayed, "event"))
		if total.Duplicate > 0 {
			fmt.Fprintf(r.stdout, ", %d on the way already", total.Duplicate)
		}
		fmt.Fprintln(r.stdout)
	}
	return nil
}

// body is the request; the end of the time is fixed, so that what is published while it is replayed is not.
func (r *replayCommand) body(now time.Time) (map[string]any, error) {
	switch {
	case r.hook == "":
		return nil, usagef("--hook is missing: which hook is to run?")
	case r.since == "" && r.event == "":
		return nil, usagef("say for which events: --since, or --id")
	case r.rate < 0:
		return nil, usagef("--rate must not be negative")
	}
	if err := checkName("hook", r.hook); err != nil {
		return nil, err
	}
	body := map[string]any{"hook": r.hook, "event": r.event, "dryRun": r.dry, "rate": r.rate, "until": now.UTC().Format(time.RFC3339Nano)}
	for name, value := range map[string]string{"since": r.since, "until": r.until} {
		if value == "" {
			continue
		}
		at, err := instant(value, now)
		if err != nil {
			return nil, err
		}
		body[name] = at.UTC().Format(time.RFC3339Nano)
	}
	return body, nil
}
