package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTimeout is how long a shell waits for names; without them it offers nothing.
const completionTimeout = 500 * time.Millisecond

// names completes one argument with what a list of the server has in one field: names, or numbers.
func (g *target) names(path, field string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		return g.lookUp(ctx, path, field), cobra.ShellCompDirectiveNoFileComp
	}
}

// lookUp returns the values of a field, or none if anything is wrong.
func (g *target) lookUp(ctx context.Context, path, field string) []cobra.Completion {
	c, err := g.newClient(g.app)
	if err != nil {
		return nil
	}
	c.busy = func(string) func() { return func() {} } // the line belongs to the shell
	answer, err := c.call(ctx, http.MethodGet, path, nil, nil)
	var items []map[string]json.RawMessage
	if err != nil || json.Unmarshal(answer, &items) != nil {
		return nil
	}
	var found []cobra.Completion
	for _, item := range items {
		if value := oneLine(strings.Trim(string(item[field]), `"`)); value != "" {
			found = append(found, value)
		}
	}
	return found
}

// complete sets how a flag of cmd is completed.
func (t *terminal) complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // the flag is not there, or it has one: a mistake in this program
	}
}

func oneOf(values ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// folders completes the argument DIR.
func folders(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}
