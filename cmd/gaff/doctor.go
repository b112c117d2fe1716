package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"
)

// finding is one check of the server's.
type finding struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func newDoctor(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check the servers that Gaff builds on",
		Long: "Check every server's version, durability, eviction, clock and permissions: a line for each check. The exit code is 1\n" +
			"if any fails. This needs the operator's key.",
		Example: "  gaff doctor\n  gaff doctor -o json",
		Args:    arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.doctor(cmd.Context())
		},
	}
	cmd.Flags().StringVarP(&g.output, "output", "o", "text", "text, or json for machines")
	g.complete(cmd, "output", oneOf("text", "json"))
	return cmd
}

func (g *target) doctor(ctx context.Context) error {
	answer, err := g.call(ctx, http.MethodGet, "/v1/doctor", nil)
	if err != nil {
		return err
	}
	var findings []finding
	if err := decode(answer, &findings); err != nil {
		return err
	}
	if len(findings) == 0 {
		return errors.New("the server has checked nothing")
	}
	var failed error
	for _, f := range findings {
		if !f.OK {
			failed = errStopped
		}
	}
	if g.output == "json" {
		return errors.Join(g.printJSON(answer), failed)
	}
	colours := g.colours(g.stdout)
	for _, f := range findings {
		mark := paint(colours, green, "ok  ")
		if !f.OK {
			mark = paint(colours, red, "FAIL")
		}
		fmt.Fprintf(g.stdout, "%s  %s\n", mark, strings.TrimSuffix(oneLine(f.Name)+": "+oneLine(f.Detail), ": "))
	}
	return failed
}
