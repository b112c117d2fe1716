package main

import (
	"net/http"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// newAppsPause makes the command that has an app's events wait, or go on.
func (g *target) newAppsPause(use string, on bool) *cobra.Command {
	short, long := "Have the events of an app go on", "Have the events of an app go on, those that wait first."
	if on {
		short = "Have the events of an app wait"
		long = "Have the events of an app wait: no hook that reacts to one runs, and none is lost. Before hooks and jobs go on."
	}
	return &cobra.Command{
		Use:     use + " NAME",
		Short:   short,
		Long:    long,
		Example: "  gaff apps " + use + " shop",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := required("app", args[0]); err != nil {
				return err
			}
			g.app = args[0]
			answer, err := g.call(cmd.Context(), http.MethodPost, "/v1/"+use, nil)
			if err != nil {
				return advise(err, hooks.CodeNotFound, "`gaff apps` lists the apps that there are.")
			}
			if g.output == "json" {
				return g.printJSON(answer)
			}
			if on {
				return g.done("name", args[0], "the events of app %s wait\n", args[0])
			}
			return g.done("name", args[0], "the events of app %s go on\n", args[0])
		},
		ValidArgsFunction: g.names("/v1/apps", "name"),
	}
}

// pausedState is whether an app's events wait, as tables show it.
func pausedState(paused bool) string {
	if paused {
		return "wait"
	}
	return ""
}
