package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

func newReleases(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:     "releases",
		Short:   "List an app's releases",
		Long:    "List an app's releases: which is current, and which is tried beside it with a share of the events.",
		Example: "  gaff releases\n  gaff releases --app shop -o json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), g, "/v1/releases", "There are no releases yet: `gaff apply` makes the first.", releaseTable)
		},
	}
	g.flags(cmd)
	return cmd
}

func releaseTable(releases []hooks.ReleaseSummary) (header []string, rows [][]string) {
	for _, r := range releases {
		state := ""
		switch {
		case r.Current:
			state = "current"
		case r.Canary > 0:
			state = fmt.Sprintf("canary %d %%", r.Canary)
		}
		rows = append(rows, []string{number(r.Number), moment(r.Created), r.By, strconv.Itoa(r.Hooks), strconv.Itoa(r.Jobs), state})
	}
	return []string{"RELEASE", "CREATED", "BY", "HOOKS", "JOBS", "STATE"}, rows
}

// appReleases are an app's releases at one moment.
type appReleases struct {
	list []hooks.ReleaseSummary
	etag string
}

func releaseState(ctx context.Context, c *client) (*appReleases, error) {
	answer, err := c.do(ctx, request{method: http.MethodGet, path: "/v1/releases"})
	if err != nil {
		return nil, err
	}
	s := &appReleases{etag: answer.etag}
	return s, decode(answer.body, &s.list)
}

// current is the number of the current release, 0 if there is none.
func (s *appReleases) current() uint64 {
	for _, r := range s.list {
		if r.Current {
			return r.Number
		}
	}
	return 0
}

// canary is the release that is tried beside the current one, or nil.
func (s *appReleases) canary() *hooks.ReleaseSummary {
	for i := range s.list {
		if r := &s.list[i]; !r.Current && r.Canary > 0 {
			return r
		}
	}
	return nil
}

func newRollback(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:   "rollback [N]",
		Short: "Make an earlier release current, or end a canary",
		Long: "Make release N current. Without N: if a release is tried with a share of the events, that ends and the current one\n" +
			"stays; else the release before the current one is made current.",
		Example: "  gaff rollback\n  gaff rollback 7 --app shop",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.rollback(cmd.Context(), args)
		},
		ValidArgsFunction: g.names("/v1/releases", "release"),
	}
	g.flags(cmd)
	return cmd
}

func (g *target) rollback(ctx context.Context, args []string) error {
	body := map[string]uint64{} // the server knows which is the one before
	if len(args) == 1 {
		n, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil || n == 0 {
			return usagef("%q is not the number of a release: `gaff releases` lists them", args[0])
		}
		body["release"] = n
	}
	c, err := g.connect()
	if err != nil {
		return err
	}
	was, err := releaseState(ctx, c)
	if err != nil {
		return err
	}
	return g.swing(ctx, c, "/v1/releases/rollback", was, body)
}

func newPromote(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:     "promote",
		Short:   "Give the release that is tried with a share of the events all of them",
		Example: "  gaff apply --canary 10%\n  gaff promote",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.promote(cmd.Context())
		},
	}
	g.flags(cmd)
	return cmd
}

func (g *target) promote(ctx context.Context) error {
	c, err := g.connect()
	if err != nil {
		return err
	}
	was, err := releaseState(ctx, c)
	switch {
	case err != nil:
		return err
	case was.canary() == nil:
		return errors.New("no release is tried with a share of the events: `gaff apply --canary 10%` starts that")
	}
	return g.swing(ctx, c, "/v1/releases/promote", was, nil)
}

// swing makes another release current, if nobody else changes the app at the same moment. was is what there is now.
func (g *target) swing(ctx context.Context, c *client, path string, was *appReleases, body any) error {
	answer, err := c.do(ctx, request{method: http.MethodPost, path: path, body: body, match: was.etag})
	if err != nil {
		err = advise(err, hooks.CodeConflict, "Somebody has changed the app at the same moment: see `gaff releases`, then try again.")
		return advise(err, hooks.CodeNotFound, "`gaff releases` lists what there is.")
	}
	if g.output == "json" {
		return g.printJSON(answer.body)
	}
	var now struct {
		Release uint64 `json:"release"`
	}
	if err := decode(answer.body, &now); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "release %d is current%s\n", now.Release, was.told(now.Release))
	return nil
}

// told says what else was different before a release was made current.
func (s *appReleases) told(now uint64) string {
	text := ""
	if was := s.current(); was != now && was != 0 {
		text = fmt.Sprintf(", after release %d", was)
	}
	if c := s.canary(); c != nil && c.Number != now {
		text += fmt.Sprintf("; release %d is no longer tried", c.Number)
	}
	return text
}
