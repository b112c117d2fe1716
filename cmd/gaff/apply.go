package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// applyCommand is what gaff apply was asked for.
type applyCommand struct {
	target
	canary string
}

func newApply(t *terminal) *cobra.Command {
	a := &applyCommand{target: target{terminal: t}}
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Make a project its app's release",
		Long: "Make a project its app's release, and tell what that changes. If anything is wrong with it, every problem is told\n" +
			"and nothing is applied. The same holds if somebody else applies at the same moment.\n\n" +
			"With --canary, only that share of the events sees the release, always the same ones, until `gaff promote` gives\n" +
			"it all of them or `gaff rollback` takes it back.",
		Example: "  gaff apply shop\n  gaff apply --canary 10%\n  gaff apply shop -o json",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd.Context(), folder(args))
		},
		ValidArgsFunction: folders,
	}
	a.flags(cmd)
	cmd.Flags().StringVar(&a.canary, "canary", "", "only for this share of the events, such as 10%")
	return cmd
}

// applied is what apply prints for machines.
type applied struct {
	Release   uint64   `json:"release"`
	App       string   `json:"app"`
	Hooks     int      `json:"hooks"`
	Jobs      int      `json:"jobs"`
	Canary    int      `json:"canary,omitempty"` // percent
	Unchanged bool     `json:"unchanged,omitempty"`
	Changes   []change `json:"changes"` // without the differences of texts
}

func (a *applyCommand) run(ctx context.Context, dir string) error {
	percent, err := parsePercent(a.canary)
	if err != nil {
		return err
	}
	p, err := a.compared(ctx, dir)
	switch {
	case err != nil:
		return err
	case len(p.changes) == 0:
		return a.unchanged(ctx, p)
	}
	r := request{method: http.MethodPost, path: "/v1/releases", body: map[string]any{"files": p.release.Files}, match: p.etag}
	if percent > 0 {
		r.query = url.Values{"canary": {strconv.Itoa(percent)}}
	}
	answer, err := p.client.do(ctx, r)
	if err != nil {
		return advise(err, hooks.CodeConflict, fmt.Sprintf("Somebody has changed the app since %s, with which this was "+
			"compared: nothing is applied.\n`gaff diff` shows what is different now; then apply again.", p.was()))
	}
	var done applied
	if err := decode(answer.body, &done); err != nil {
		return err
	}
	if done.Release == 0 {
		return fmt.Errorf("the server's answer is not a release: %.200s", plain(string(answer.body)))
	}
	return a.print(&done, p)
}

func (a *applyCommand) print(done *applied, p *proposal) error {
	if a.output == "json" {
		done.Changes = withoutTexts(p.changes)
		return a.printValue(done)
	}
	if done.Canary > 0 {
		fmt.Fprintf(a.stdout, "release %d of %s, for %d %% of the events beside %s\n", done.Release, oneLine(done.App), done.Canary, p.was())
	} else {
		fmt.Fprintf(a.stdout, "release %d of %s, after %s\n", done.Release, oneLine(done.App), p.was())
	}
	a.newDiffPrinter().summary(p.changes)
	if done.Canary > 0 {
		fmt.Fprintln(a.stderr, "`gaff promote` gives it all events, `gaff rollback` takes it back.")
	}
	return nil
}

// unchanged tells that there is nothing to apply.
func (a *applyCommand) unchanged(ctx context.Context, p *proposal) error {
	if a.output == "json" {
		return a.printValue(&applied{
			Release: p.current.Number, App: p.current.App, Hooks: len(p.release.Hooks), Jobs: len(p.release.Jobs),
			Unchanged: true, Changes: []change{},
		})
	}
	fmt.Fprintf(a.stdout, "unchanged: release %d of %s\n", p.current.Number, oneLine(p.current.App))
	state, err := releaseState(ctx, p.client)
	if err != nil {
		return err
	}
	if c := state.canary(); c != nil {
		fmt.Fprintf(a.stderr, "Release %d is tried beside it with %d %% of the events: `gaff promote` or `gaff rollback` ends that.\n",
			c.Number, c.Canary)
	}
	return nil
}

// parsePercent reads --canary; 0 means that it was not given.
func parsePercent(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(s, "%")))
	if err != nil || n < 1 || n > 99 {
		return 0, usagef("--canary %q: use a share from 1%% to 99%%", s)
	}
	return n, nil
}
