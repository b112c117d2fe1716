package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"gaff/hooks"
	"gaff/script"
)

//go:embed template
var template embed.FS

// typingsFile declares what scripts have, for editors and the TypeScript compiler.
const typingsFile = "gaff.d.ts"

// templateFiles lists what init writes, by the name in template: Go does not embed names that begin with a dot.
func templateFiles() [][2]string {
	return [][2]string{
		{"gaff.yaml", "gaff.yaml"},
		{"hooks/customer.js", "hooks/customer.js"},
		{"jobs/report.js", "jobs/report.js"},
		{"tests/customer.yaml", "tests/customer.yaml"},
		{"gitignore", ".gitignore"},
		{"tsconfig.json", "tsconfig.json"},
		{"", typingsFile},
	}
}

func templateFile(name string) ([]byte, error) {
	if name == "" {
		return []byte(script.Typings()), nil
	}
	return template.ReadFile("template/" + name)
}

func newInit(t *terminal) *cobra.Command {
	types := false
	c := &cobra.Command{
		Use:     "init [DIR]",
		Short:   "Write a small project: gaff.yaml, a hook, a job, test cases, types",
		Example: "  gaff init shop\n  gaff dev shop\n  gaff init --types shop",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := folder(args)
			if types {
				return writeTypings(dir, t)
			}
			if err := writeTemplate(dir, t); err != nil {
				return err
			}
			fmt.Fprintf(t.stderr, "Start it with `gaff dev %s`.\n", dir)
			return nil
		},
	}
	c.Flags().BoolVar(&types, "types", false, "write "+typingsFile+" anew into a project that exists, and nothing else")
	return c
}

// writeTypings writes the types of this version of Gaff into a project, in place of those of another.
func writeTypings(dir string, t *terminal) error {
	if _, err := os.Stat(filepath.Join(dir, hooks.ProjectFile)); err != nil {
		return fmt.Errorf("%s is not the folder of a project: %w", dir, err)
	}
	path := filepath.Join(dir, typingsFile)
	if err := os.WriteFile(path, []byte(script.Typings()), 0o644); err != nil {
		return fmt.Errorf("the types cannot be written: %w", err)
	}
	fmt.Fprintln(t.stdout, path)
	return nil
}

// writeTemplate writes the project, all of it or, if any of its files exists, nothing.
func writeTemplate(dir string, t *terminal) error {
	var taken []string
	for _, f := range templateFiles() {
		switch _, err := os.Lstat(filepath.Join(dir, f[1])); {
		case err == nil:
			taken = append(taken, f[1])
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("the project cannot be written: %w", err)
		}
	}
	if taken != nil {
		return fmt.Errorf("%s already has %s: nothing is written", dir, strings.Join(taken, ", "))
	}
	for _, f := range templateFiles() {
		source, err := templateFile(f[0])
		if err != nil {
			return err
		}
		path := filepath.Join(dir, f[1])
		if err := writeNew(path, source); err != nil {
			return fmt.Errorf("the project cannot be written: %w", err)
		}
		fmt.Fprintln(t.stdout, path)
	}
	return nil
}

// writeNew writes a file that does not exist yet, with its folder.
func writeNew(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
