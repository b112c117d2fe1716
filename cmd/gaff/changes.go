package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"gaff/hooks"
)

// change is one difference between two releases of an app.
type change struct {
	Kind   string        `json:"kind"` // hook, job, file, or a key of gaff.yaml such as settings
	Name   string        `json:"name,omitempty"`
	Change string        `json:"change"`           // added, removed or changed
	Fields []fieldChange `json:"fields,omitempty"` // of what was changed
	Diff   string        `json:"diff,omitempty"`   // of a file: unified
}

// The ways in which things differ.
const (
	added   = "added"
	removed = "removed"
	changed = "changed"
)

// changesBetween lists what is different in now: hooks, jobs and the like first, then files. was may be nil.
func changesBetween(was, now *hooks.Release) ([]change, error) {
	label := "nothing"
	if was == nil {
		was = &hooks.Release{App: now.App}
	} else {
		label = fmt.Sprintf("release %d", was.Number)
	}
	before, err := registrations(was)
	if err != nil {
		return nil, err
	}
	after, err := registrations(now)
	if err != nil {
		return nil, err
	}
	return append(changedThings(before, after), changedFiles(was.Files, now.Files, label)...), nil
}

// thing is something that a release registers.
type thing struct{ kind, name string }

// registrations lists what a release registers, with the fields of each: the items of its lists by name, everything else
// by its key.
func registrations(r *hooks.Release) (map[thing]map[string]any, error) {
	short := *r
	short.Files = nil
	b, err := json.Marshal(short)
	if err != nil {
		return nil, err
	}
	keys := map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber() // large numbers stay what they are
	if err := decoder.Decode(&keys); err != nil {
		return nil, err
	}
	for _, name := range []string{"app", "release", "created", "files"} {
		delete(keys, name)
	}
	found := map[thing]map[string]any{}
	for key, value := range keys {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				fields, _ := item.(map[string]any)
				name, _ := fields["name"].(string)
				if service, ok := fields["service"].(string); ok && key == "methods" { // names are the service's own
					name = service + "." + name
				}
				found[thing{strings.TrimSuffix(key, "s"), name}] = writtenFields(fields)
			}
		case map[string]any:
			found[thing{kind: key}] = leaves(value)
		default:
			found[thing{kind: key}] = map[string]any{"": value}
		}
	}
	return found, nil
}

func changedThings(before, after map[thing]map[string]any) []change {
	both := maps.Clone(before)
	maps.Copy(both, after)
	things := slices.SortedFunc(maps.Keys(both), func(a, b thing) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	})
	var changes []change
	for _, t := range things {
		c := change{Kind: t.kind, Name: t.name}
		was, had := before[t]
		now, has := after[t]
		switch {
		case !had:
			c.Change = added
		case !has:
			c.Change = removed
		default:
			if c.Fields = changedFields(was, now); c.Fields == nil {
				continue
			}
			c.Change = changed
		}
		changes = append(changes, c)
	}
	return changes
}

func changedFiles(before, after map[string]string, label string) []change {
	both := map[string]string{}
	maps.Copy(both, before)
	maps.Copy(both, after)
	var changes []change
	for _, path := range slices.Sorted(maps.Keys(both)) {
		was, had := before[path]
		now, has := after[path]
		if had && has && was == now {
			continue
		}
		c := change{Kind: "file", Name: path, Change: changed}
		from, to := path+" ("+label+")", path
		switch {
		case !had:
			c.Change, from = added, "/dev/null"
		case !has:
			c.Change, to = removed, "/dev/null"
		}
		c.Diff = unified(from, to, was, now)
		changes = append(changes, c)
	}
	return changes
}

// unified is the difference of two texts, without the command line that could have made it.
func unified(from, to, was, now string) string {
	text := string(diff.Diff(from, []byte(was), to, []byte(now)))
	_, text, _ = strings.Cut(text, "\n")
	return text
}
