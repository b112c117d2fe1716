package hooks

import (
	"slices"

	"github.com/goccy/go-yaml/ast"
)

// job reads one of jobs.
func (l *loader) job(n ast.Node) {
	j := Job{Timeout: DefaultTimeout, Timezone: "UTC"}
	o := l.object(n, "a job", map[string]setter{
		"name":     l.name("job", &j.Name),
		"schedule": l.text(&j.Schedule),
		"timezone": l.timezone(&j.Timezone),
		"script":   l.scriptPath(&j.Script),
		"timeout":  l.timeout(&j.Timeout),
		"overlap":  l.later("overlap"),
		"missed":   l.later("missed"),
	})
	l.needs(o, "a job", "schedule", "script")
	l.nameOf(o, "job", &j.Name, j.Script)
	if n, ok := o.value("schedule"); ok && j.Schedule != "" {
		if _, err := ParseSchedule(j.Schedule, j.Timezone); err != nil {
			l.at(n, "%v", err)
		}
	}
	if defined, ok := l.functions(o, j.Script); ok && !slices.Contains(defined, RunJob) {
		l.at(o.at("script"), "%s does not define the function of a job: %s", j.Script, RunJob)
	}
	l.release.Jobs = append(l.release.Jobs, j)
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
