package process

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gaff/hooks"
)

// AppSet is executors that run the scripts of some apps, and of no others.
type AppSet struct {
	Apps      hooks.Apps
	Executors int // 0: as many as GAFF_EXECUTORS says
}

const (
	// allOthers stands in GAFF_APPS for every app that is not named there.
	allOthers = "*"
	// maxAllExecutors is how many executors a worker has at most, in all its sets.
	maxAllExecutors = 1024
)

// setApps reads which apps' scripts a worker runs, and which of them have executors of their own.
func setApps(c *Config, s string) (err error) {
	c.Apps, err = ParseApps(s)
	return err
}

// ParseApps reads GAFF_APPS: names of apps, each with executors of its own, * for all others, and !name for an app that is
// left to other workers, separated by commas. It returns nil for all apps together.
func ParseApps(s string) ([]AppSet, error) {
	var own []AppSet
	var left []string
	others, seen := false, map[string]bool{}
	for item := range strings.SplitSeq(s, ",") {
		item = strings.TrimSpace(item)
		name, isLeft := strings.CutPrefix(item, "!")
		name, count, counted := strings.Cut(name, ":")
		if seen[name] {
			return nil, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		switch {
		case item == allOthers:
			others = true
			continue
		case !hooks.ValidName(name):
			return nil, fmt.Errorf("%.80q is not the name of an app, with ! before it or :N behind it, nor *", item)
		case isLeft && counted:
			return nil, fmt.Errorf("%s: what is left to other workers has no executors here", item)
		case isLeft:
			left = append(left, name)
			continue
		}
		set := AppSet{Apps: hooks.Apps{Only: name}}
		if counted {
			n, err := strconv.Atoi(count)
			if err != nil || n < 1 || n > maxExecutors {
				return nil, fmt.Errorf("%s: %q is not a number of executors from 1 to %d", name, count, maxExecutors)
			}
			set.Executors = n
		}
		own = append(own, set)
	}
	return joinSets(own, left, others)
}

// joinSets adds the set of all others to those of named apps.
func joinSets(own []AppSet, left []string, others bool) ([]AppSet, error) {
	switch {
	case !others && len(left) > 0:
		return nil, fmt.Errorf("!%s says whose scripts not to run, and nothing says whose to run: add *", left[0])
	case !others:
		return own, nil
	case len(own) == 0 && len(left) == 0:
		return nil, nil
	}
	except := slices.Clone(left)
	for _, set := range own {
		except = append(except, set.Apps.Only)
	}
	slices.Sort(except)
	return append(own, AppSet{Apps: hooks.Apps{Except: except}}), nil
}

// sets are the executors that a worker keeps.
func (c *Config) sets() []AppSet {
	if c.Apps == nil {
		return []AppSet{{Executors: c.Executors}}
	}
	sets := slices.Clone(c.Apps)
	for i := range sets {
		if sets[i].Executors == 0 {
			sets[i].Executors = c.Executors
		}
	}
	return sets
}

// Serves says whose scripts run in this process, if any do.
func (c *Config) Serves() hooks.Apps {
	if len(c.Apps) == 1 {
		return c.Apps[0].Apps
	}
	return hooks.Apps{}
}

// CheckApps returns why a worker cannot have the executors that the configuration says, or nil.
func (c *Config) CheckApps() error {
	if c.Executors == 0 {
		if len(c.Apps) > 1 {
			return errors.New("scripts run in this one process, which cannot keep apps apart: name one app, or * with !name for those left to other workers")
		}
		if len(c.Apps) == 1 && c.Apps[0].Executors > 0 {
			return fmt.Errorf("%s:%d: scripts run in this one process, and there are no executors", c.Apps[0].Apps.Only, c.Apps[0].Executors)
		}
		return nil
	}
	total := 0
	for _, set := range c.sets() {
		total += set.Executors
	}
	if total > maxAllExecutors {
		return fmt.Errorf("%d executors in all are too many: %d at most; name:N gives an app fewer than GAFF_EXECUTORS", total, maxAllExecutors)
	}
	return nil
}
