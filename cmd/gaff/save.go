package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"gaff/hooks"
)

// save writes what an event started as a file of cases for gaff test. The server has masked what is secret.
func (l *logsCommand) save(ctx context.Context, c *client, query url.Values) error {
	answer, err := c.call(ctx, http.MethodGet, "/v1/logs", query, nil)
	if err != nil {
		return err
	}
	var records []hooks.Record
	if err := decode(answer, &records); err != nil {
		return err
	}
	if records = finalRuns(records); len(records) == 0 {
		return fmt.Errorf("the log has no run of event %q: `gaff logs` shows the events that it has", l.filter.id)
	}
	cases, err := casesOf(records)
	if err != nil {
		return err
	}
	text, err := caseText(cases)
	if err != nil {
		return err
	}
	text = fmt.Sprintf("# Recorded from event %s, release %d. Secrets are ***.\n", oneLine(l.filter.id), records[0].Release) + text
	if err := writeNew(l.file, []byte(text)); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: nothing is written", l.file)
	} else if err != nil {
		return fmt.Errorf("the case cannot be written: %w", err)
	}
	fmt.Fprintln(l.stdout, l.file)
	fmt.Fprintln(l.stderr, "Run it with `gaff test`. Values that differ from run to run, such as times, must go from what is expected.")
	return nil
}

// finalRuns returns the runs of hooks and jobs in the order in which they began, of each the last attempt.
func finalRuns(records []hooks.Record) []hooks.Record {
	slices.SortStableFunc(records, func(a, b hooks.Record) int { return a.Time.Compare(b.Time) })
	type run struct {
		kind           hooks.Kind
		name, function string
	}
	last := map[run]int{}
	var runs []hooks.Record
	for _, r := range records {
		if r.Kind != hooks.KindHook && r.Kind != hooks.KindJob {
			continue
		}
		key := run{r.Kind, r.Name, r.Function}
		if at, ok := last[key]; !ok {
			last[key] = len(runs)
			runs = append(runs, r)
		} else if r.Attempt >= runs[at].Attempt {
			runs[at] = r
		}
	}
	return runs
}

// savedCase is a case as it is written.
type savedCase struct {
	Name      string                       `json:"name"`
	Event     json.RawMessage              `json:"event,omitempty"`
	Job       string                       `json:"job,omitempty"`
	Documents map[string][]json.RawMessage `json:"documents,omitempty"`
	Expect    savedExpectation             `json:"expect"`

	key string // what its runs have in common
}

type savedExpectation struct {
	Verdict *savedVerdict `json:"verdict,omitempty"`
	Log     []string      `json:"log,omitempty"`
	Calls   []savedCall   `json:"calls,omitempty"`
	End     string        `json:"end,omitempty"`
}

type savedCall struct {
	Name string            `json:"name"`
	Args []json.RawMessage `json:"args,omitempty"`
}

// casesOf makes a case of each phase of an event, and of each job.
func casesOf(records []hooks.Record) ([]*savedCase, error) {
	var cases []*savedCase
	for i := range records {
		r := &records[i]
		fresh, err := newCase(r)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(cases, func(c *savedCase) bool { return c.key == fresh.key })
		if at < 0 {
			at = len(cases)
			cases = append(cases, fresh)
		}
		cases[at].add(r)
	}
	return cases, nil
}

// newCase returns the case that a run is the first of.
func newCase(r *hooks.Record) (*savedCase, error) {
	if r.Kind == hooks.KindJob {
		return &savedCase{Job: r.Name, key: "job " + r.Name}, nil
	}
	what := strings.TrimSuffix(r.Name+"."+r.Function, ".")
	if r.Input == nil {
		return nil, fmt.Errorf("the record of %s has not kept its event, because that was too large: no case can be made of it", what)
	}
	var event struct{ Service, Operation, Phase string }
	if err := json.Unmarshal(r.Input, &event); err != nil {
		return nil, fmt.Errorf("the record of %s has no event: %w", what, err)
	}
	return &savedCase{Event: eventOf(r.Input), key: event.Phase + " " + event.Service + " " + event.Operation}, nil
}

// add takes in what one more run of the same event did.
func (c *savedCase) add(r *hooks.Record) {
	c.Name = fmt.Sprintf("%s: %s", c.key, r.Status) // that of the last
	c.Expect.verdict(r.Verdict)
	for _, line := range r.Log {
		c.Expect.Log = append(c.Expect.Log, literal(line.Text))
	}
	for _, call := range r.Calls {
		c.Expect.Calls = append(c.Expect.Calls, savedCall{call.Name, keptArgs(call.Args)})
	}
	if r.End != "" {
		c.Expect.End = literal(r.End)
	}
	c.see(r.Calls)
}
