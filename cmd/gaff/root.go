package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"gaff/hooks"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // bad usage or configuration
)

// run is the program: results go to stdout, everything else to stderr, and it returns the exit code.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot(&terminal{env: env, stdin: stdin, stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if bad, ok := errors.AsType[*hooks.ProjectError](err); ok {
		fmt.Fprintln(stderr, bad)
	} else if !errors.Is(err, errStopped) {
		fmt.Fprintf(stderr, "gaff: %v\n", err)
	}
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

// newRoot returns the command gaff with all its commands.
func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:           "gaff",
		Short:         "Gaff runs hooks on any API",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				hint = fmt.Sprintf(": did you mean %q?", near[0])
			}
			return usageError(cmd, fmt.Errorf("unknown command %q%s", args[0], hint))
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usageError(cmd, errors.New("a command is missing"))
		},
		SuggestionsMinimumDistance: 2,
	}
	root.SetIn(t.stdin)
	root.SetOut(t.stdout)
	root.SetErr(t.stderr)
	root.SetFlagErrorFunc(usageError)
	root.AddCommand(
		newInit(t),
		newDev(t),
		newCheck(t),
		newTest(t),
		newRun(t),
		newApply(t),
		newDiff(t),
		newReleases(t),
		newRollback(t),
		newPromote(t),
		newRegister(t, "hook", "  gaff hooks\n  gaff hooks get customer\n  gaff hooks disable customer"),
		newRegister(t, "job", "  gaff jobs\n  gaff jobs run nightly\n  gaff jobs disable nightly\n  gaff jobs tasks --state archived"),
		newRegister(t, "method", "  gaff methods\n  gaff methods get topUsers"),
		newEmit(t),
		newLogs(t),
		newDead(t),
		newReplay(t),
		newApps(t),
		newKeys(t),
		newSecrets(t),
		newDoctor(t),
	)
	return root
}

// errUsage is in the chain of errors that are the user's to mend in what was typed or configured.
var errUsage = errors.New("usage")

// errStopped ends a command with exit code 1 when its result has already told why.
var errStopped = errors.New("stopped")

// badUsage is an error in errUsage's chain that reads as the message alone.
type badUsage struct{ error }

func (badUsage) Is(target error) bool { return target == errUsage }

// usageError says what is wrong with how cmd was called, and where to read more.
func usageError(cmd *cobra.Command, err error) error {
	return badUsage{fmt.Errorf("%w\nRun `%s --help` for usage", err, cmd.CommandPath())}
}

// usagef is a usage error that needs no further reading.
func usagef(format string, args ...any) error { return badUsage{fmt.Errorf(format, args...)} }

// arguments makes a check of arguments tell how the command is used.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError(cmd, err)
		}
		return nil
	}
}

// checkName refuses a bad name where it is typed. An empty one was not typed.
func checkName(kind, name string) error {
	if name == "" {
		return nil
	}
	return required(kind, name)
}

func required(kind, name string) error {
	if err := hooks.CheckName(kind, name); err != nil {
		return badUsage{err}
	}
	return nil
}

// terminal is what a command has of the world.
type terminal struct {
	env            []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// getenv returns the last value of a variable, or nothing.
func (t *terminal) getenv(name string) string {
	value := ""
	for _, entry := range t.env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// colours reports whether w shows colours: only a terminal does, unless NO_COLOR is set.
func (t *terminal) colours(w io.Writer) bool { return t.getenv("NO_COLOR") == "" && t.isTerminal(w) }

// isTerminal reports whether a person reads w, where what is written can be changed again.
func (t *terminal) isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && t.getenv("TERM") != "dumb" && isatty.IsTerminal(f.Fd())
}

// outputFlag adds -o to a command.
func outputFlag(cmd *cobra.Command, output *string) {
	cmd.Flags().StringVarP(output, "output", "o", "text", "text, or json for machines")
}

func checkOutput(output string) error {
	if output != "text" && output != "json" {
		return usagef("-o %q: use text or json", output)
	}
	return nil
}
