package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

func newApps(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:     "apps",
		Short:   "List, make and delete apps",
		Long:    "List, make and delete apps. This needs the operator's key. Without a command, they are listed.",
		Example: "  gaff apps\n  gaff apps create shop\n  gaff apps plan shop metered --add 1000\n  gaff apps delete shop",
		Args:    arguments(cobra.NoArgs),
		RunE:    g.listApps,
	}
	cmd.PersistentFlags().StringVarP(&g.output, "output", "o", "text", "text, or json for machines")
	g.complete(cmd, "output", oneOf("text", "json"))
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List apps", Example: "  gaff apps list -o json", Args: arguments(cobra.NoArgs), RunE: g.listApps,
	}, &cobra.Command{
		Use:     "create NAME",
		Short:   "Make an app",
		Example: "  gaff apps create shop\n  gaff keys create --app shop --scopes admin",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return g.createApp(cmd.Context(), args[0])
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}, g.newAppsDelete(), g.newAppsPlan(), g.newAppsPause("pause", true), g.newAppsPause("resume", false))
	return cmd
}

func (g *target) listApps(cmd *cobra.Command, _ []string) error {
	return list(cmd.Context(), g, "/v1/apps", "There are no apps: `gaff apps create NAME` makes one.",
		func(apps []hooks.AppSummary) (header []string, rows [][]string) {
			for _, a := range apps {
				balance, used := balanceOf(a.Account)
				rows = append(rows, []string{
					a.Name, number(a.Release), strconv.Itoa(a.Hooks), strconv.Itoa(a.Jobs), string(a.Plan), balance, used, pausedState(a.Paused), moment(a.Created),
				})
			}
			return []string{"APP", "RELEASE", "HOOKS", "JOBS", "PLAN", "BALANCE", "USED", "EVENTS", "CREATED"}, rows
		})
}

func (g *target) createApp(ctx context.Context, name string) error {
	if err := required("app", name); err != nil {
		return err
	}
	if _, err := g.call(ctx, http.MethodPost, "/v1/apps", map[string]string{"name": name}); err != nil {
		return err
	}
	if err := g.done("name", name, "app %s is there\n", name); err != nil {
		return err
	}
	fmt.Fprintf(g.stderr, "`gaff keys create --app %s --scopes admin` makes the key for its owner.\n", name)
	return nil
}

func (g *target) newAppsDelete() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Short:   "Delete an app with all that it has",
		Long:    "Delete an app with its releases, keys and secrets. On a terminal, this asks first.",
		Example: "  gaff apps delete shop\n  gaff apps delete shop --yes",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := required("app", args[0]); err != nil {
				return err
			}
			if !yes {
				if err := g.confirm(args[0]); err != nil {
					return err
				}
			}
			if _, err := g.call(cmd.Context(), http.MethodDelete, "/v1/apps/"+args[0], nil); err != nil {
				return advise(err, hooks.CodeNotFound, "`gaff apps` lists the apps that there are.")
			}
			return g.done("deleted", args[0], "app %s is deleted\n", args[0])
		},
		ValidArgsFunction: g.names("/v1/apps", "name"),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirm has a person type the name of what is about to be deleted. A program is not asked.
func (t *terminal) confirm(name string) error {
	if !t.asks() {
		return nil
	}
	fmt.Fprintf(t.stderr, "Everything of app %s is deleted for ever. Type its name to go on: ", name)
	line, err := bufio.NewReader(io.LimitReader(t.stdin, 1024)).ReadString('\n')
	if err != nil || strings.TrimSpace(line) != name {
		return fmt.Errorf("that is not %s: nothing is deleted", name)
	}
	return nil
}
