package hooks

import (
	"slices"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// The bounds of a job's options.
const (
	maxJitter         = time.Hour
	maxJobConcurrency = 1000
	maxDescription    = 1000 // bytes
)

// job reads one of jobs.
func (l *loader) job(n ast.Node) {
	j := Job{Timeout: DefaultTimeout, Timezone: "UTC", Overlap: OverlapSkip, Missed: MissedLatest}
	o := l.object(n, "a job", map[string]setter{
		"name":        l.name("job", &j.Name),
		"description": l.description(&j.Description),
		"schedule":    l.text(&j.Schedule),
		"timezone":    l.timezone(&j.Timezone),
		"script":      l.scriptPath(&j.Script),
		"timeout":     l.timeout(&j.Timeout),
		"overlap":     oneOf(l, &j.Overlap, OverlapSkip, OverlapAllow),
		"missed":      oneOf(l, &j.Missed, MissedSkip, MissedLatest, MissedAll),
		"jitter":      l.jitter(&j.Jitter),
		"concurrency": l.concurrency(&j.Concurrency),
		"retry":       l.retry(&j.Retry),
		"limits":      l.limits(&j.Limits),
	})
	l.needs(o, "a job", "schedule", "script")
	l.nameOf(o, "job", &j.Name, j.Script)
	if _, said := o.value("timeout"); !said {
		j.Timeout = l.release.scriptTime(j.Script)
	}
	if n, ok := o.value("schedule"); ok && j.Schedule != "" {
		if _, err := ParseSchedule(j.Schedule, j.Timezone); err != nil {
			l.at(n, "%v", err)
		}
	}
	if s, ok := l.functions(o, j.Script); ok && !slices.Contains(s.functions, RunJob) {
		if j.LastValue = s.lastValue && !slices.ContainsFunc(s.functions, isSpecific); !j.LastValue {
			l.at(o.at("script"), "%s does not define the function of a job: %s", j.Script, RunJob)
		}
	}
	l.release.Jobs = append(l.release.Jobs, j)
}

func (l *loader) description(s *string) setter {
	return func(n ast.Node) {
		if v, ok := l.scalar(n); ok {
			if *s = v; len(v) > maxDescription {
				l.at(n, "a description has at most %d bytes", maxDescription)
			}
		}
	}
}

// jitter reads by how much a tick may start later.
func (l *loader) jitter(d *time.Duration) setter {
	return func(n ast.Node) {
		s, ok := l.scalar(n)
		if !ok {
			return
		}
		v, err := time.ParseDuration(s)
		if err != nil || v < time.Second || v > maxJitter {
			l.at(n, "jitter %.40q: a duration from 1s to %v is needed", s, maxJitter)
			return
		}
		*d = v
	}
}

func (l *loader) concurrency(i *int) setter {
	return func(n ast.Node) {
		if node, ok := n.(*ast.IntegerNode); ok {
			v, err := strconv.Atoi(node.Token.Value)
			if *i = v; err == nil && v >= 1 && v <= maxJobConcurrency {
				return
			}
		}
		l.at(n, "concurrency must be a whole number from 1 to %d: how many runs of the job there may be at once", maxJobConcurrency)
	}
}

func (l *loader) timezone(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		if _, err := location(v); err != nil {
			l.at(n, "%v", err)
			return
		}
		*s = v
	}
}
