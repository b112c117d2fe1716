package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

// register is one of the lists of what an app has registered.
type register struct {
	target
	one  string // hook, job, method
	path string // of the API
}

func newRegister(t *terminal, one, example string) *cobra.Command {
	r := &register{target{terminal: t}, one, "/v1/" + one + "s"}
	cmd := &cobra.Command{
		Use:   one + "s",
		Short: fmt.Sprintf("List, look at and switch off %ss", one),
		Long: fmt.Sprintf("List an app's %ss: what they are for, whether they are on, their last run, and how many of the runs of the last hour\n"+
			"failed. While a release is tried with a share of the events, its figures stand beside those of the current one.", one),
		Example: example,
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return list(cmd.Context(), &r.target, r.path, fmt.Sprintf("There are no %ss: `gaff apply` registers a project's.", one), r.table)
		},
	}
	r.flags(cmd)
	cmd.AddCommand(r.newGet(), r.newSwitch("enable", true), r.newSwitch("disable", false))
	if one == "job" {
		cmd.AddCommand(r.newRun())
		cmd.AddCommand(r.taskCommands()...)
	}
	return cmd
}

// named makes a command on one item of the list.
func (r *register) named(use, short string, run func(ctx context.Context, name string) error) *cobra.Command {
	return &cobra.Command{
		Use:     use + " NAME",
		Short:   short,
		Example: fmt.Sprintf("  gaff %ss %s customer", r.one, use),
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.checkName(args[0]); err != nil {
				return err
			}
			return r.unknown(run(cmd.Context(), args[0]))
		},
		ValidArgsFunction: r.names(r.path, "name"),
	}
}

// checkName refuses what can be no name. A method may be named with its service, service.name.
func (r *register) checkName(name string) error {
	if service, method, ok := strings.Cut(name, "."); ok && r.one == "method" {
		if err := required("service", service); err != nil {
			return err
		}
		name = method
	}
	return required(r.one, name)
}

func (r *register) unknown(err error) error {
	return advise(err, hooks.CodeNotFound, fmt.Sprintf("`gaff %ss` lists those that there are.", r.one))
}

func (r *register) newGet() *cobra.Command {
	return r.named("get", "Show all there is to know of a "+r.one, func(ctx context.Context, name string) error {
		answer, err := r.call(ctx, http.MethodGet, r.path+"/"+name, nil)
		if err != nil {
			return err
		}
		if r.output == "json" {
			return r.printJSON(answer)
		}
		text, err := yamlText(answer)
		if err != nil {
			return fmt.Errorf("the server's answer is not JSON: %w", err)
		}
		fmt.Fprint(r.stdout, plain(text))
		return nil
	})
}

func (r *register) newSwitch(use string, on bool) *cobra.Command {
	cmd := r.named(use, fmt.Sprintf("Switch a %s %s", r.one, onOff(on)), func(ctx context.Context, name string) error {
		answer, err := r.call(ctx, http.MethodPatch, r.path+"/"+name, map[string]bool{"enabled": on})
		if err != nil {
			return err
		}
		if r.output == "json" {
			return r.printJSON(answer)
		}
		fmt.Fprintf(r.stdout, "%s %s is %s\n", r.one, name, onOff(on))
		return nil
	})
	cmd.Long = cmd.Short + ". It stays so whatever release is applied or gone back to."
	return cmd
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (r *register) newRun() *cobra.Command {
	cmd := r.named("run", "Run a job once, now", func(ctx context.Context, name string) error {
		answer, err := r.call(ctx, http.MethodPost, r.path+"/"+name+"/run", nil)
		if err != nil {
			return err
		}
		var started struct {
			ID string `json:"id"`
		}
		if err := decode(answer, &started); err != nil {
			return err
		}
		if r.output == "json" {
			return r.printJSON(answer)
		}
		id := oneLine(started.ID)
		fmt.Fprintln(r.stdout, id)
		fmt.Fprintf(r.stderr, "%s is on its way: `gaff logs --id %s` shows how it ends.\n", name, id)
		return nil
	})
	cmd.Example = "  gaff jobs run nightly"
	return cmd
}
