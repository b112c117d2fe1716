package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

func balanceOf(a *hooks.Account) (balance, used string) {
	if a == nil {
		return "-", "-"
	}
	return strconv.FormatInt(a.Balance, 10), strconv.FormatInt(a.Used, 10)
}

// planChange is what an app's plan is changed with.
type planChange struct {
	Plan    hooks.Plan `json:"plan,omitempty"`
	Balance *int64     `json:"balance,omitempty"`
	Add     int64      `json:"add,omitempty"`
}

func (g *target) newAppsPlan() *cobra.Command {
	var balance, add int64
	cmd := &cobra.Command{
		Use:   "plan NAME [unlimited|metered|free]",
		Short: "Set what an app's methods cost, and its balance",
		Long: "Set what an app's calls of registered methods cost: nothing (unlimited, the default), one of its balance each\n" +
			"(metered), or that it may make none (free). Built-in methods are always free.",
		Example: "  gaff apps plan shop metered --balance 1000\n  gaff apps plan shop --add 500",
		Args:    arguments(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			change := planChange{Add: add}
			if len(args) == 2 {
				if change.Plan = hooks.Plan(args[1]); !change.Plan.Valid() {
					return usagef("%q is not a plan: use unlimited, metered or free", args[1])
				}
			}
			if cmd.Flags().Changed("balance") {
				change.Balance = &balance
			}
			if change == (planChange{}) {
				return usagef("say what is to change: a plan, --balance or --add")
			}
			return g.changePlan(cmd.Context(), args[0], &change)
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{"unlimited", "metered", "free"}, cobra.ShellCompDirectiveNoFileComp
			}
			return g.names("/v1/apps", "name")(cmd, args, typed)
		},
	}
	cmd.Flags().Int64Var(&balance, "balance", 0, "calls that the app may make")
	cmd.Flags().Int64Var(&add, "add", 0, "calls that it may make beside those that it has")
	return cmd
}

func (g *target) changePlan(ctx context.Context, app string, change *planChange) error {
	if err := required("app", app); err != nil {
		return err
	}
	answer, err := g.call(ctx, http.MethodPatch, "/v1/apps/"+app, change)
	if err != nil {
		return advise(err, hooks.CodeNotFound, "`gaff apps` lists the apps that there are.")
	}
	if g.output == "json" {
		return g.printJSON(answer)
	}
	var made hooks.AppSummary
	if err := decode(answer, &made); err != nil {
		return err
	}
	if made.Account == nil {
		fmt.Fprintf(g.stdout, "app %s is %s\n", oneLine(made.Name), oneLine(string(made.Plan)))
		return nil
	}
	fmt.Fprintf(g.stdout, "app %s is %s: it has %d calls left and has used %d\n",
		oneLine(made.Name), oneLine(string(made.Plan)), made.Account.Balance, made.Account.Used)
	return nil
}
