package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gaff/hooks"
	"gaff/script"
)

// runCommand is what gaff run was asked for.
type runCommand struct {
	*terminal
	event, function, output string
}

func newRun(t *terminal) *cobra.Command {
	c := &runCommand{terminal: t}
	cmd := &cobra.Command{
		Use:   "run FILE --event FILE",
		Short: "Run one function of a script without a server",
		Long: "Run one function of a script once, on an empty store that is thrown away, and print the verdict, what it logged\n" +
			"and how long it took. In a project, the script has the settings and the hook's params of its gaff.yaml, and its\n" +
			"calls start the hooks of the project. A rejection is a result; the exit code is 1 if the script breaks.\n\n" +
			"The event is JSON or YAML with the fields of an event: service, operation, phase, message, query, hint, key,\n" +
			"original, result, error, headers, session, origin, context, depth, id. What it does not say follows from the\n" +
			"function.",
		Example: "  gaff run hooks/customer.js --event event.json\n" +
			"  gaff run jobs/nightly.js --event /dev/null --function runJob",
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(c.output); err != nil {
				return err
			}
			if c.event == "" {
				return usageError(cmd, errors.New("--event is missing"))
			}
			return c.run(cmd.Context(), args[0])
		},
	}
	cmd.Flags().StringVar(&c.event, "event", "", "a file with the event, JSON or YAML")
	cmd.Flags().StringVar(&c.function, "function", "", "which function; default: the one for the event")
	outputFlag(cmd, &c.output)
	return cmd
}

// dryResult is what a dry run gives.
type dryResult struct {
	Verdict hooks.Verdict    `json:"verdict"`
	Log     []hooks.LogLine  `json:"log"`
	Calls   []hooks.HostCall `json:"calls"`
	End     string           `json:"end,omitempty"`
	MS      float64          `json:"ms"`

	broken *hooks.RecordError
}

func (c *runCommand) run(ctx context.Context, file string) error {
	event, err := readEvent(c.event)
	if err != nil {
		return err
	}
	d, err := newDryRun(file)
	if err != nil {
		return err
	}
	if err := d.choose(event, c.function); err != nil {
		return err
	}
	result, err := d.play(ctx)
	if err != nil {
		return err
	}
	if err := c.print(result); err != nil {
		return err
	}
	if result.broken != nil {
		return errStopped
	}
	return nil
}

// readEvent reads an event from a file. Nothing at all is an event too.
func readEvent(name string) (*caseEvent, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, usagef("--event: %w", err)
	}
	e := &caseEvent{}
	if text := strings.TrimSpace(string(b)); text == "" {
		return e, nil
	}
	if hooks.CheckJSON(b) == nil { // YAML too, but its parser is slow with long lines
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		if err := d.Decode(e); err != nil {
			return nil, usagef("--event: %s: %s", name, strings.TrimPrefix(err.Error(), "json: "))
		}
	} else if err := decodeYAML(string(b), e); err != nil {
		return nil, yamlProblem(name, err)
	}
	if err := e.check(); err != nil {
		return nil, usagef("--event: %s: %w", name, err)
	}
	return e, nil
}

// dryRun is one function of a script and the event that it gets.
type dryRun struct {
	release *hooks.Release // what the calls of the script meet
	script  string         // the file's path in it
	alone   hooks.Release  // with the one hook or job that runs
	event   *hooks.Event
}

// newDryRun finds the project that the file is part of. Without one, the script is all there is.
func newDryRun(file string) (*dryRun, error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	for dir := filepath.Dir(absolute); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, hooks.ProjectFile)); err == nil {
			rel, err := filepath.Rel(dir, absolute)
			if err != nil {
				return nil, err
			}
			release, err := loadProject(dir)
			return &dryRun{release: release, script: filepath.ToSlash(rel)}, err
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, usagef("the script cannot be read: %w", err)
	}
	name := filepath.Base(file)
	return &dryRun{release: &hooks.Release{App: hooks.DefaultApp, Files: map[string]string{name: string(b)}}, script: name}, nil
}

// choose decides which function runs, and completes the event for it.
func (d *dryRun) choose(e *caseEvent, function string) error {
	program, err := d.compile()
	if err != nil {
		return err
	}
	defined := program.Functions(hooks.Functions())
	if function == "" && program.LastValue() && (len(defined) == 0 || d.lastValue()) {
		d.alone = *d.release
		d.alone.Hooks, d.alone.Jobs = nil, nil
		d.hook(e, "")
		return nil
	}
	if len(defined) == 0 {
		return usagef("%s defines none of %s", d.script, strings.Join(hooks.Functions(), ", "))
	}
	if function, err = functionFor(e, function, defined); err != nil {
		return err
	}
	d.alone = *d.release
	d.alone.Hooks, d.alone.Jobs = nil, nil
	if function == hooks.RunJob {
		d.job(e)
		return nil
	}
	if err := complete(e, function); err != nil {
		return err
	}
	d.hook(e, function)
	return nil
}

// lastValue reports whether the project has the script as a hook whose last value is the answer.
func (d *dryRun) lastValue() bool {
	return slices.ContainsFunc(d.release.Hooks, func(h hooks.Hook) bool { return h.Script == d.script && h.LastValue })
}

// compile returns the compiled script.
func (d *dryRun) compile() (*script.Program, error) {
	if _, ok := d.release.Files[d.script]; !ok {
		return nil, usagef("there is no script %s in the project", d.script)
	}
	program, err := script.Compile(d.release.Files, d.script, hooks.Functions()...)
	if bad, ok := errors.AsType[*script.CompileError](err); ok {
		problems := make([]hooks.Problem, len(bad.Problems))
		for i, p := range bad.Problems {
			problems[i] = hooks.Problem{File: p.File, Line: p.Line, Col: p.Col, Message: p.Message}
		}
		return nil, &hooks.ProjectError{Problems: problems}
	}
	return program, err
}

// hook makes the function, or the last value without one, the only hook, as the project registers it if it does.
func (d *dryRun) hook(e *caseEvent, function string) {
	hook := hooks.Hook{Name: d.baseName(), Timeout: hooks.DefaultTimeout}
	for _, h := range d.release.Hooks {
		if h.Script == d.script && (e.Service == "" || h.Service == e.Service || h.Service == "*") &&
			(function != "" || e.Operation == "" || h.Operation == e.Operation) {
			hook = h
			break
		}
	}
	if hook.LastValue = function == ""; hook.LastValue {
		e.Operation = cmp.Or(e.Operation, hook.Operation, otherOperation)
		e.Phase = cmp.Or(e.Phase, string(hook.Phase), string(hooks.Before))
	}
	if e.Service == "" {
		e.Service = hook.Name
		if hook.Service != "" && hook.Service != "*" {
			e.Service = hook.Service
		}
	}
	hook.Script, hook.Functions, hook.Service, hook.Operation = d.script, []string{function}, e.Service, e.Operation
	if hook.LastValue {
		hook.Functions = nil
	}
	hook.Phase, hook.Origins = hooks.Phase(e.Phase), []hooks.Origin{hooks.Client, hooks.Script, hooks.S2S}
	hook.When, hook.Changed, hook.Disabled = "", nil, false // it is to run
	d.alone.Hooks = []hooks.Hook{hook}
	d.event = e.event(d.release.App)
}

// job makes the script the only job.
func (d *dryRun) job(e *caseEvent) {
	job := hooks.Job{Name: d.baseName(), Timeout: hooks.DefaultTimeout}
	for _, j := range d.release.Jobs {
		if j.Script == d.script {
			job = j
			break
		}
	}
	job.Script, job.Disabled = d.script, false
	d.alone.Jobs = []hooks.Job{job}
	d.event = tick(d.release.App, &job, time.Now())
	d.event.Message = e.Message.message()
}

// baseName is a name for what the project does not register.
func (d *dryRun) baseName() string {
	name := strings.TrimSuffix(path.Base(d.script), path.Ext(d.script))
	if !hooks.ValidName(name) {
		return "script"
	}
	return name
}

// play runs the function.
func (d *dryRun) play(ctx context.Context) (result dryResult, err error) {
	o, err := newOffline(ctx, d.release, nil)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	engine := script.NewEngine(script.Config{})
	defer engine.Close(context.WithoutCancel(ctx)) // nothing is under way any more
	ctx, cancel := context.WithTimeout(ctx, caseTime)
	defer cancel()
	s := o.newStage(engine)
	source := hooks.Source{Release: &d.alone, Secrets: placeholders(d.release)}
	result.Verdict, err = s.play(ctx, s.newRunner(source.Table()), d.event)
	if err != nil {
		return result, err
	}
	records := s.runs()
	result.Log, result.Calls = told(records), called(records)
	if len(records) > 0 {
		first := &records[0]
		result.End, result.MS = first.End, first.MS
		if first.Status == hooks.StatusFailed || first.Status == hooks.StatusTimeout {
			result.broken = first.Error
		}
	}
	return result, nil
}

func (c *runCommand) print(r dryResult) error {
	if c.output == "json" {
		_, err := fmt.Fprintf(c.stdout, "%s\n", encoded(r))
		return err
	}
	out := &strings.Builder{}
	out.Write(indentedJSON(r.Verdict.AppendJSON(nil)))
	out.WriteByte('\n')
	p := recordPrinter{colours: c.colours(c.stdout)}
	for _, line := range r.Log {
		fmt.Fprintf(out, "%s %s\n", p.paint(levelColour(line.Level), plain(line.Level)), indented(line.Text))
	}
	if r.End != "" {
		fmt.Fprintf(out, "end %s\n", indented(r.End))
	}
	if r.broken != nil && r.broken.Stack != "" {
		fmt.Fprintf(out, "%s\n%s\n", plain(r.broken.Message), strings.TrimRight(plain(r.broken.Stack), "\n"))
	}
	fmt.Fprintf(out, "%s ms\n", milliseconds(r.MS))
	_, err := fmt.Fprint(c.stdout, out)
	return err
}
