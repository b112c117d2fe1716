package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// target is what a command about an app is told: which app, and how to print.
type target struct {
	*terminal
	app, output string
}

// flags adds --app and -o to a command and those below it.
func (g *target) flags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&g.app, "app", "", "the app; default: the key's")
	flags.StringVarP(&g.output, "output", "o", "text", "text, or json for machines")
	g.complete(cmd, "app", g.names("/v1/apps", "name"))
	g.complete(cmd, "output", oneOf("text", "json"))
}

// connect checks the flags and returns a client.
func (g *target) connect() (*client, error) {
	if err := checkOutput(g.output); err != nil {
		return nil, err
	}
	return g.newClient(g.app)
}

// call connects and sends one request.
func (g *target) call(ctx context.Context, method, path string, body any) ([]byte, error) {
	c, err := g.connect()
	if err != nil {
		return nil, err
	}
	return c.call(ctx, method, path, nil, body)
}

// list gets a list and prints it: as it came, or as a table with a row for each item. An empty table is a sentence on
// stderr.
func list[T any](ctx context.Context, g *target, path, none string, show func([]T) (header []string, rows [][]string)) error {
	answer, err := g.call(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	var items []T
	if err := decode(answer, &items); err != nil {
		return err
	}
	switch {
	case g.output == "json":
		return g.printJSON(answer)
	case len(items) == 0:
		fmt.Fprintln(g.stderr, none)
		return nil
	}
	return g.printTable(show(items))
}

// decode reads a server's answer.
func decode(answer []byte, v any) error {
	if err := json.Unmarshal(answer, v); err != nil {
		return fmt.Errorf("the server's answer is not as expected: %w: is it of another version?", err)
	}
	return nil
}
