package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"gaff/hooks"
)

func newCheck(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "check [DIR]",
		Short: "Compile and validate a project without a server",
		Long: "Compile and validate a project without a server. Every problem is told as file:line:col: message, and then\n" +
			"the exit code is 1.",
		Example: "  gaff check shop",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			release, err := loadProject(folder(args))
			if err != nil {
				return err
			}
			fmt.Fprintf(t.stdout, "app %s: %s, %s, %s\n", release.App, count(len(release.Hooks), "hook"),
				count(len(release.Jobs), "job"), count(len(release.Files), "file"))
			return nil
		},
	}
}

// folder is the optional argument DIR.
func folder(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// readProject reads the files of a project. Nothing outside the folder can be read, whatever links are in it.
func readProject(dir string) (map[string]string, error) {
	root, err := os.OpenRoot(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no folder %s", dir)
	case err != nil:
		return nil, usagef("the project cannot be read: %w", err)
	}
	defer root.Close()
	return hooks.ReadProject(root.FS())
}

// loadProject reads and validates a project.
func loadProject(dir string) (*hooks.Release, error) {
	files, err := readProject(dir)
	if err != nil {
		return nil, err
	}
	return hooks.LoadProject(files)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
