package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gaff/hooks"
	"gaff/script"
)

// casesFolder is where a project keeps its cases.
const casesFolder = "tests"

// testCommand is what gaff test was asked for.
type testCommand struct {
	*terminal
	dir    string
	output string
	update bool
}

func newTest(t *terminal) *cobra.Command {
	c := &testCommand{terminal: t}
	cmd := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Run a project's test cases without a server",
		Long: "Run the cases in tests/*.yaml, each on documents of its own, and say which differ from what they expect. The exit\n" +
			"code is 1 if any does. A file holds one case or a list of them:\n\n" +
			"  name: a customer needs a name     # default: the name of the file\n" +
			"  event: {service: customer, operation: POST, phase: before, message: {age: 5}}   # or  job: nightly\n" +
			"  documents: {region: [{_id: a}]}   # what is there before\n" +
			"  expect:                           # what is not named is not compared\n" +
			"    verdict: {status: 400}          # of objects only the given fields, of lists every item\n" +
			"    log: [\"/no name/\"]              # texts that lines contain, in this order\n" +
			"    calls: [{name: db.get}]         # what its scripts asked for\n" +
			"    documents: {region: [{_id: a}]} # what is there afterwards, in any order\n" +
			"    end: done                       # the text that a job ended with\n\n" +
			"An event has service, operation, phase (default: before) and the fields of a payload: message, query, hint, key,\n" +
			"original, result, error, headers, session, origin, context, depth, id. A text /…/ is a regular expression. The\n" +
			"calls of scripts start hooks, and what they change starts after hooks, as on a server: log and documents are those\n" +
			"of everything that the event has caused, calls those of its own hooks. Secrets are not known: scripts see\n" +
			"secret:NAME.",
		Example: "  gaff test\n  gaff test examples/earthquakes --update",
		Args:    arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(c.output); err != nil {
				return err
			}
			c.dir = folder(args)
			return c.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&c.update, "update", false, "write what differs into the cases' expect")
	outputFlag(cmd, &c.output)
	return cmd
}

func (c *testCommand) run(ctx context.Context) (err error) {
	release, err := loadProject(c.dir)
	if err != nil {
		return err
	}
	sources, cases, err := loadCases(c.dir)
	if err != nil {
		return err
	}
	coverage := &script.Coverage{}
	if err := measure(coverage, release); err != nil {
		return err
	}
	o, err := newOffline(ctx, release, coverage)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	results := o.runCases(ctx, cases)
	if c.update {
		if results, err = c.rewrite(ctx, o, sources, results); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	return c.report(results, coverage.Files())
}

// loadCases reads the cases of a project, and returns the text of their files by name.
func loadCases(dir string) (map[string]string, []testCase, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("the cases cannot be read: %w", err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), casesFolder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("the cases cannot be read: %w", err)
	}
	sources := map[string]string{}
	var problems []hooks.Problem
	var cases []testCase
	for _, entry := range entries {
		name := path.Join(casesFolder, entry.Name())
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, path.Ext(name)) {
			continue
		}
		b, err := fs.ReadFile(root.FS(), name)
		if err != nil {
			return nil, nil, fmt.Errorf("the cases cannot be read: %w", err)
		}
		sources[name] = string(b)
		read, err := readCases(name, sources[name])
		if bad, ok := errors.AsType[*hooks.ProjectError](err); ok {
			problems = append(problems, bad.Problems...)
		}
		cases = append(cases, read...)
	}
	switch {
	case problems != nil:
		return nil, nil, &hooks.ProjectError{Problems: problems}
	case cases == nil:
		return nil, nil, fmt.Errorf("there are no cases in %s: `gaff test --help` shows how one looks",
			filepath.Join(dir, casesFolder, "*.yaml"))
	}
	return sources, cases, nil
}

// measure has every script of the release counted, also those that no case runs.
func measure(coverage *script.Coverage, release *hooks.Release) error {
	scripts := map[string]bool{}
	for _, h := range release.Hooks {
		scripts[h.Script] = true
	}
	for _, j := range release.Jobs {
		scripts[j.Script] = true
	}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if _, err := coverage.Compile(release.Files, name, hooks.Functions()...); err != nil {
			return err
		}
	}
	return nil
}

// summary says how many cases passed, and how much of the scripts they ran.
func summary(results []caseResult, files []script.FileCoverage) string {
	failed := 0
	for _, r := range results {
		if !r.OK {
			failed++
		}
	}
	total, covered := 0, 0
	parts := make([]string, len(files))
	for i, f := range files {
		total, covered = total+f.Statements, covered+f.Covered
		parts[i] = fmt.Sprintf("%s %d %%", f.File, percent(f.Covered, f.Statements))
	}
	return fmt.Sprintf("%d passed, %d failed\ncoverage: %d %% of statements (%s)\n", len(results)-failed, failed,
		percent(covered, total), strings.Join(parts, ", "))
}

// percent is rounded down, so that 100 means all.
func percent(part, whole int) int {
	if whole == 0 {
		return 100
	}
	return part * 100 / whole
}
