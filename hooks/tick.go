package hooks

import (
	"net/http"
	"path"
	"strings"

	"github.com/tidwall/gjson"

	"gaff/script"
)

// tick runs a job, or a script by itself.
func (c *chain) tick() {
	job := c.table.dueJob(&c.event)
	if job == nil {
		c.end(Stop(Errorf(CodeNotFound, "job %s is not registered or is disabled, or the script that it names is gone", c.event.Operation)))
		return
	}
	function := RunJob
	if job.LastValue {
		function = ""
	}
	run := c.runner.begin(c.table, &c.event, KindJob, job.Name, function)
	run.script, run.timeout = job.Script, job.Timeout
	if fault := run.admit(job.Limits); fault != nil {
		c.end(Stop(fault))
		return
	}
	late := func(res script.Result, fault *Error) { c.end(run.ticked(&res, fault)) }
	if res, fault, ok := run.do(c.ctx, late); ok {
		late(res, fault)
	}
}

// ticked ends the run of a job.
func (r *run) ticked(res *scriptResult, fault *Error) Verdict {
	verdict := GoOn()
	switch {
	case fault != nil:
		verdict = Stop(fault)
	default:
		if stop := r.failure(&res.Answer); stop != nil {
			r.table.masker.inError(stop)
			stop.Hook, fault = r.record.label(), stop
			verdict = Stop(stop)
		}
		r.record.End = res.Answer.Text()
	}
	r.finish(res, fault, StatusFailed, nil)
	return verdict
}

// failure is the error that a job's answer says it ended with, or nil: for a script whose last value that is, another status
// than 200.
func (r *run) failure(answer *script.Answer) *Error {
	if r.record.Function != "" {
		return refusal(answer)
	}
	if status, ok := lastStatus(answer); ok && status != http.StatusOK {
		return rejectedLast(status, gjson.ParseBytes(answer.Raw))
	}
	return nil
}

// dueJob is what a tick is for: the job of that name or, if the tick names a script, that script; nil if the release has
// it not.
func (t *Table) dueJob(e *Event) *Job {
	file := gjson.GetBytes(e.Job, "script").String()
	if file == "" {
		return t.Job(e.Operation)
	}
	file, ok := t.Release.FindScript(file)
	if !ok {
		return nil
	}
	job := &Job{Name: e.Operation, Script: file, Timeout: t.Release.scriptTime(file)}
	if program, err := t.programs.script(file); err == nil {
		job.LastValue = len(program.Functions([]string{RunJob})) == 0
	}
	return job
}

// FindScript returns the path of a script of the release that is named by its path from the project's root; whatever
// extension the name has, or none, that of the file counts.
func (r *Release) FindScript(name string) (string, bool) {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if _, ok := r.Files[name]; ok && isScript(name) {
		return name, true
	}
	stem := strings.TrimSuffix(name, path.Ext(name))
	for _, candidate := range []string{name, stem} {
		for _, suffix := range scriptSuffixes() {
			if _, ok := r.Files[candidate+suffix]; ok {
				return candidate + suffix, true
			}
		}
	}
	return "", false
}

func isScript(name string) bool {
	for _, suffix := range scriptSuffixes() {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// ScriptTaskName is the name under which a script that runs by itself is recorded: its file's, as far as a name can be that.
func ScriptTaskName(file string) string {
	base := strings.TrimSuffix(path.Base(file), path.Ext(file))
	name := strings.Map(func(c rune) rune {
		if ValidName(string(c)) {
			return c
		}
		return '-'
	}, base)
	return name[:min(len(name), maxName)]
}

// Registered returns the job of that name, be it enabled or not, or nil.
func (t *Table) Registered(name string) *Job {
	if t == nil {
		return nil
	}
	for i := range t.Release.Jobs {
		if j := &t.Release.Jobs[i]; j.Name == name {
			return j
		}
	}
	return nil
}
