package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"gaff/hooks"
)

func newSecrets(t *terminal) *cobra.Command {
	g := &target{terminal: t}
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "Set, list and remove secrets",
		Long: "Set, list and remove the secrets that the settings of an app refer to as ${secret:NAME}. Values are kept encrypted\n" +
			"and cannot be read back. Without a command, the names are listed.",
		Example: "  gaff secrets set SLACK_TOKEN < token.txt\n  gaff secrets rm SLACK_TOKEN",
		Args:    arguments(cobra.NoArgs),
		RunE:    g.listSecrets,
	}
	g.flags(cmd)
	cmd.AddCommand(g.newSecretsSet(), &cobra.Command{
		Use: "list", Short: "List the names of secrets", Example: "  gaff secrets list --app shop", Args: arguments(cobra.NoArgs),
		RunE: g.listSecrets,
	}, &cobra.Command{
		Use:     "rm NAME",
		Short:   "Remove a secret",
		Example: "  gaff secrets rm SLACK_TOKEN",
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := required("secret", args[0]); err != nil {
				return err
			}
			if _, err := g.call(cmd.Context(), http.MethodDelete, "/v1/secrets/"+args[0], nil); err != nil {
				return advise(err, hooks.CodeNotFound, "`gaff secrets list` shows the names that there are.")
			}
			return g.done("removed", args[0], "secret %s is removed\n", args[0])
		},
		ValidArgsFunction: g.names("/v1/secrets", "name"),
	})
	return cmd
}

func (g *target) listSecrets(cmd *cobra.Command, _ []string) error {
	return list(cmd.Context(), g, "/v1/secrets", "There are no secrets: `gaff secrets set NAME` makes one.",
		func(secrets []hooks.SecretSummary) (header []string, rows [][]string) {
			for _, s := range secrets {
				rows = append(rows, []string{s.Name, moment(s.Changed)})
			}
			return []string{"SECRET", "CHANGED"}, rows
		})
}

func (g *target) newSecretsSet() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "Set a secret to a value from standard input",
		Long: "Set a secret. The value is asked for without showing it, or read from standard input, less one line end; never is\n" +
			"it an argument, which other users of the machine could see.",
		Example: "  gaff secrets set SLACK_TOKEN\n  pass show slack | gaff secrets set SLACK_TOKEN --value-stdin",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("the value is not an argument, which others could see: give it on standard input")
			}
			return arguments(cobra.ExactArgs(1))(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := required("secret", args[0]); err != nil {
				return err
			}
			return g.setSecret(cmd.Context(), args[0], stdin)
		},
		ValidArgsFunction: g.names("/v1/secrets", "name"),
	}
	cmd.Flags().BoolVar(&stdin, "value-stdin", false, "read the value from standard input, also on a terminal")
	return cmd
}

func (g *target) setSecret(ctx context.Context, name string, stdin bool) error {
	c, err := g.connect()
	if err != nil {
		return err
	}
	var value string
	if !stdin && g.asks() {
		value, err = g.askSecret(ctx, "value of "+name+": ")
	} else {
		value, err = g.readSecret()
	}
	if err != nil {
		return err
	}
	if value == "" {
		return usagef("the value is empty: give it on standard input")
	}
	if _, err := c.call(ctx, http.MethodPut, "/v1/secrets/"+name, nil, map[string]string{"value": value}); err != nil {
		return err
	}
	return g.done("name", name, "secret %s is set\n", name)
}

// readSecret reads standard input to its end.
func (t *terminal) readSecret() (string, error) {
	b, err := io.ReadAll(io.LimitReader(t.stdin, hooks.MaxSecret+3))
	if err != nil {
		return "", fmt.Errorf("standard input: %w", err)
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if len(value) > hooks.MaxSecret {
		return "", usagef("the value is larger than %d bytes", hooks.MaxSecret)
	}
	return value, nil
}

// asks reports whether a person can be asked.
func (t *terminal) asks() bool {
	f, ok := t.stdin.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// askSecret reads a line from the terminal without showing it. The terminal shows again what is typed also after an
// interrupt; the read that is given up then ends with the program.
func (t *terminal) askSecret(ctx context.Context, prompt string) (string, error) {
	f, ok := t.stdin.(*os.File)
	if !ok {
		return "", errors.New("standard input is not a terminal")
	}
	fd := int(f.Fd())
	state, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	fmt.Fprint(t.stderr, prompt)
	defer fmt.Fprintln(t.stderr)
	type typed struct {
		value []byte
		err   error
	}
	done := make(chan typed, 1)
	go func() {
		value, err := term.ReadPassword(fd)
		done <- typed{value, err}
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, state))
	case got := <-done:
		if got.err != nil {
			return "", fmt.Errorf("the terminal: %w", got.err)
		}
		return string(got.value), nil
	}
}
