package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"

	"gaff/hooks"
	"gaff/script"
)

// caseTime bounds one case with all that it causes.
const caseTime = hooks.MaxTimeout

// caseID is the id of a case's event that names none.
const caseID = "case"

// caseResult is how one case went.
type caseResult struct {
	File        string       `json:"file"`
	Line        int          `json:"line"`
	Name        string       `json:"name"`
	OK          bool         `json:"ok"`
	MS          float64      `json:"ms"`
	Error       string       `json:"error,omitempty"` // why the case could not be run
	Differences []difference `json:"differences,omitempty"`

	of      *testCase
	outcome *outcome
}

// runCases runs all cases, as many at once as there are processors.
func (o *offline) runCases(ctx context.Context, cases []testCase) []caseResult {
	results := make([]caseResult, len(cases))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(cases)) {
		workers.Go(func() {
			engine := script.NewEngine(script.Config{})
			defer engine.Close(context.WithoutCancel(ctx)) // nothing is under way any more
			for i := int(next.Add(1)) - 1; i < len(cases); i = int(next.Add(1)) - 1 {
				results[i] = o.check(ctx, engine, &cases[i])
			}
		})
	}
	workers.Wait()
	return results
}

// check runs one case and compares.
func (o *offline) check(ctx context.Context, engine *script.Engine, c *testCase) caseResult {
	start := time.Now()
	r := caseResult{File: c.file, Line: c.line, Name: c.Name, of: c}
	out, err := o.runCase(ctx, engine, c, start)
	if err != nil {
		r.Error = err.Error()
	} else {
		r.outcome, r.Differences = out, append(c.Expect.compare(out), c.Expect.failures(out)...)
	}
	r.OK = err == nil && r.Differences == nil
	r.MS = float64(time.Since(start).Microseconds()) / 1000
	return r
}

// runCase runs one case; a job is due at that time.
func (o *offline) runCase(ctx context.Context, engine *script.Engine, c *testCase, at time.Time) (*outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, caseTime)
	defer cancel()
	e, err := o.eventOf(c, at)
	if err != nil {
		return nil, err
	}
	s := o.newStage(engine)
	s.answer(c.Answers)
	for _, collection := range slices.Sorted(maps.Keys(c.Documents)) {
		if err := s.fill(ctx, collection, c.Documents[collection]); err != nil {
			return nil, err
		}
	}
	verdict, err := s.play(ctx, s.runner, e)
	if err != nil {
		return nil, err
	}
	out := &outcome{verdict: verdict.AppendJSON(nil), records: s.runs(), documents: map[string][]json.RawMessage{}}
	for collection := range s.collections(c) {
		found, err := s.Find(ctx, "", collection, nil, json.RawMessage(`{"$max":10000}`))
		if err != nil {
			return nil, fmt.Errorf("documents.%s: %w", collection, err)
		}
		out.documents[collection] = found.List
	}
	if e.Phase == hooks.Tick && len(out.records) > 0 {
		out.end = out.records[0].End
	}
	return out, nil
}

// collections names those that a case speaks of or that its scripts have changed.
func (s *stage) collections(c *testCase) map[string]bool {
	names := maps.Clone(s.changed)
	for name := range c.Documents {
		names[name] = true
	}
	for name := range c.Expect.Documents {
		names[name] = true
	}
	return names
}

// eventOf returns what the case has happen. A case that no hook could be meant for is refused, lest it pass because it
// ran nothing.
func (o *offline) eventOf(c *testCase, at time.Time) (*hooks.Event, error) {
	app := o.table.Release.App
	if c.Job != "" {
		job := o.table.Job(c.Job)
		if job == nil {
			return nil, fmt.Errorf("there is no job %q", c.Job)
		}
		return tick(app, job, at), nil
	}
	e := c.Event.event(app)
	if e.ID == "" {
		e.ID = caseID
	}
	any := *e
	for _, any.Origin = range []hooks.Origin{hooks.Client, hooks.Script, hooks.S2S} {
		if o.table.Has(&any, false) || o.table.Has(&any, true) {
			return e, nil
		}
	}
	return nil, fmt.Errorf("no hook is registered for %s %s %s", e.Phase, e.Operation, e.Service)
}

// failures are the runs of the event that broke, unless the case looks at how: the verdict of a broken after hook is
// that all is well.
func (e *expectation) failures(o *outcome) []difference {
	verdict := gjson.ParseBytes(e.Verdict)
	status := verdict.Get("status")
	if verdict.Get("error").Exists() || verdict.Get("warnings").Exists() || status.Exists() && status.Int() != 200 {
		return nil
	}
	var c mismatches
	for _, r := range own(o.records) {
		if r.Status == hooks.StatusFailed || r.Status == hooks.StatusTimeout {
			c.add("run "+strings.TrimSuffix(r.Name+"."+r.Function, "."), nil, encoded(fmt.Sprintf("%s: %s", r.Error.Code, r.Error.Message)))
		}
	}
	return c
}

// report prints the results; cases that failed end the command with errStopped.
func (c *testCommand) report(results []caseResult, files []script.FileCoverage) error {
	end := error(nil)
	if slices.ContainsFunc(results, func(r caseResult) bool { return !r.OK }) {
		end = errStopped
	}
	if c.output == "json" {
		_, err := fmt.Fprintf(c.stdout, "%s\n", encoded(results))
		fmt.Fprint(c.stderr, summary(results, files))
		return errors.Join(err, end)
	}
	for i := range results {
		c.print(&results[i])
	}
	fmt.Fprint(c.stdout, summary(results, files))
	return end
}

func (c *testCommand) print(r *caseResult) {
	p := &recordPrinter{colours: c.colours(c.stdout)}
	word := p.paint(green, "ok  ")
	if !r.OK {
		word = p.paint(red, "FAIL")
	}
	fmt.Fprintf(c.stdout, "%s %s:%d %s (%s ms)\n", word, r.File, r.Line, plain(r.Name), milliseconds(r.MS))
	if r.Error != "" {
		fmt.Fprintf(c.stdout, "    %s\n", indented(r.Error))
	}
	for _, d := range r.Differences {
		fmt.Fprintf(c.stdout, "    %s\n      want %s\n      got  %s\n", plain(d.Path), orNothing(d.Want), orNothing(d.Got))
	}
	if r.OK || r.outcome == nil {
		return
	}
	for _, record := range r.outcome.records {
		if record.Error != nil && record.Error.Stack != "" {
			fmt.Fprintf(c.stdout, "    %s.%s %s\n      %s\n", record.Name, record.Function, record.Status,
				indented(record.Error.Message+"\n"+strings.TrimSpace(record.Error.Stack)))
		}
	}
}

func orNothing(v json.RawMessage) string {
	if v == nil {
		return "nothing"
	}
	return plain(string(v))
}
