package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gaff/hooks"
)

// registered is a hook, job or method as the server lists it. The figures are those of the last hour.
type registered struct {
	Name          string      `json:"name"`
	Service       string      `json:"service"`
	Operation     string      `json:"operation"`
	Phase         hooks.Phase `json:"phase"`
	Functions     []string    `json:"functions"`
	Schedule      string      `json:"schedule"` // of a job
	Timezone      string      `json:"timezone"`
	Next          *time.Time  `json:"next"`
	Kind          string      `json:"kind"` // of a method
	Script        string      `json:"script"`
	Release       uint64      `json:"release"`
	CanaryRelease uint64      `json:"canaryRelease"`
	Enabled       bool        `json:"enabled"`
	Quarantine    *struct {
		Reason string `json:"reason"`
	} `json:"quarantine"`
	LastRun   *lastRun     `json:"lastRun"`
	Runs      int          `json:"runs"`
	Errors    int          `json:"errors"`
	ByRelease []releaseRun `json:"byRelease"`
}

type lastRun struct {
	Time   time.Time    `json:"time"`
	Status hooks.Status `json:"status"`
	MS     float64      `json:"ms"`
}

// releaseRun is how often one release ran and failed.
type releaseRun struct {
	Release uint64 `json:"release"`
	Runs    int    `json:"runs"`
	Errors  int    `json:"errors"`
}

// table shows a list, with a column for each release if two are live.
func (r *register) table(items []registered) (header []string, rows [][]string) {
	what := map[string][]string{
		"hook": {"FOR"}, "job": {"SCHEDULE", "NEXT"}, "method": {"FOR"},
	}[r.one]
	header = append([]string{strings.ToUpper(r.one)}, what...)
	header = append(header, "SCRIPT", "STATE", "LAST RUN", "RUNS", "ERRORS")
	current, canary := live(items)
	if canary == 0 {
		header = append(header, "RELEASE")
	} else {
		header = append(header, fmt.Sprintf("RELEASE %d", current), fmt.Sprintf("CANARY %d", canary))
	}
	for i := range items {
		item := &items[i]
		row := append([]string{item.Name}, item.what(r.one)...)
		row = append(row, item.Script, item.state(), item.last(), strconv.Itoa(item.Runs), rate(item.Runs, item.Errors))
		if canary == 0 {
			row = append(row, number(item.Release))
		} else {
			row = append(row, item.of(current), item.of(canary))
		}
		rows = append(rows, row)
	}
	return header, rows
}

// live returns the numbers of the current and of the canary release, 0 if there is none.
func live(items []registered) (current, canary uint64) {
	for i := range items {
		current = max(current, items[i].Release)
		canary = max(canary, items[i].CanaryRelease)
	}
	return current, canary
}

// what says what the item is for.
func (r *registered) what(kind string) []string {
	if kind == "job" {
		next := ""
		if r.Next != nil {
			next = moment(*r.Next)
		}
		return []string{strings.TrimSpace(r.Schedule + " " + r.Timezone), next}
	}
	switch {
	case r.Operation != "":
		return []string{strings.TrimSpace(string(r.Phase) + " " + r.Service + " " + r.Operation)}
	case len(r.Functions) > 0:
		return []string{r.Service + ": " + strings.Join(r.Functions, ", ")}
	}
	return []string{strings.TrimSpace(r.Service + " " + r.Kind)}
}

// state says whether it runs.
func (r *registered) state() string {
	if r.Enabled && r.Quarantine != nil {
		return "quarantine"
	}
	return onOff(r.Enabled)
}

func (r *registered) last() string {
	if r.LastRun == nil || r.LastRun.Time.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s %s %sms", moment(r.LastRun.Time), r.LastRun.Status, milliseconds(r.LastRun.MS))
}

// of is what a release that has the item did.
func (r *registered) of(release uint64) string {
	if release != r.Release && release != r.CanaryRelease {
		return ""
	}
	runs, errors := 0, 0
	for _, b := range r.ByRelease {
		if b.Release == release {
			runs, errors = b.Runs, b.Errors
		}
	}
	return fmt.Sprintf("%s, %s", count(runs, "run"), cmp.Or(rate(runs, errors), "no errors"))
}

// rate says how many of the runs failed; nothing if none did.
func rate(runs, errors int) string {
	if errors == 0 || runs == 0 {
		return ""
	}
	return fmt.Sprintf("%d (%.1f %%)", errors, 100*float64(errors)/float64(runs))
}
