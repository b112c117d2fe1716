package hooks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
)

// The files of a release that keep the jobs which were made as documents of System_jobs: a list of them, and beside it a
// script for each.
const (
	SystemJobsFile   = "System_jobs.json"
	systemJobsFolder = "System_jobs"
)

// systemJob is a job that was made as a document. What it says is checked as a job of gaff.yaml is.
type systemJob struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Crontab     string          `json:"crontab"`
	Timezone    string          `json:"timezone,omitempty"`
	Active      bool            `json:"active"`
	Timeout     string          `json:"timeout,omitempty"`
	Overlap     string          `json:"overlap,omitempty"`
	Missed      string          `json:"missed,omitempty"`
	Jitter      string          `json:"jitter,omitempty"`
	Concurrency int             `json:"concurrency,omitempty"`
	Retry       json.RawMessage `json:"retry,omitempty"`
	Version     int64           `json:"_version"`
	Created     json.RawMessage `json:"_created"`
	Changed     json.RawMessage `json:"_changed"`
}

// script is the path of the job's code.
func (j *systemJob) script() string { return path.Join(systemJobsFolder, j.Name+".js") }

// yaml is the job as gaff.yaml would have it.
func (j *systemJob) yaml() (string, error) {
	item := map[string]any{"name": j.Name, "schedule": j.Crontab, "script": j.script()}
	for key, value := range map[string]string{
		"description": j.Description, "timezone": j.Timezone, "timeout": j.Timeout, "overlap": j.Overlap, "missed": j.Missed, "jitter": j.Jitter,
	} {
		if value != "" {
			item[key] = value
		}
	}
	if j.Concurrency != 0 {
		item["concurrency"] = j.Concurrency
	}
	if len(j.Retry) > 0 && string(j.Retry) != "null" {
		item["retry"] = j.Retry
	}
	b, err := json.MarshalIndent(item, "", " ")
	return string(b), err
}

// document is the job as callers see it.
func (j *systemJob) document(code string) document {
	raw, err := json.Marshal(j)
	if err != nil {
		return nil // all its values come from JSON
	}
	d, err := parseDocument(raw, "a job")
	if err != nil {
		return nil
	}
	if j.Timezone == "" {
		d.set("timezone", json.RawMessage(`"UTC"`))
	}
	d.set("code", appendString(nil, code))
	return d.stamp(j.Name, j.Version, j.Created, j.Changed)
}

// readSystemJobs reads the list of a release.
func readSystemJobs(files map[string]string) ([]systemJob, error) {
	source, ok := files[SystemJobsFile]
	if !ok {
		return nil, nil
	}
	var list []systemJob
	err := decodeStrictly([]byte(source), &list)
	return list, err
}

// withSystemJobs are the files with that list in place of the one they have. The scripts of jobs that are not in it go.
func withSystemJobs(files map[string]string, list []systemJob, code map[string]string) (map[string]string, error) {
	changed := maps.Clone(files)
	kept := map[string]bool{}
	for i := range list {
		kept[list[i].script()] = true
	}
	maps.DeleteFunc(changed, func(name, _ string) bool { return name == SystemJobsFile || isSystemJobFile(name) && !kept[name] })
	for name, source := range code {
		changed[name] = source
	}
	if len(list) == 0 {
		return changed, nil
	}
	slices.SortFunc(list, func(a, b systemJob) int { return cmp.Compare(a.Name, b.Name) })
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, err
	}
	changed[SystemJobsFile] = string(b) + "\n"
	return changed, nil
}

func isSystemJobFile(name string) bool { return strings.HasPrefix(name, systemJobsFolder+"/") }

// KeepSystemJobs returns the files of a project with the jobs that were made as documents, which are those of the app's
// current release, unless the project has a list of such jobs itself. current may be nil. It does not change files.
func KeepSystemJobs(files map[string]string, current *Release) map[string]string {
	if current == nil || current.Files[SystemJobsFile] == "" || files[SystemJobsFile] != "" {
		return files
	}
	kept := maps.Clone(files)
	for name, source := range current.Files {
		if name == SystemJobsFile || isSystemJobFile(name) {
			kept[name] = source
		}
	}
	return kept
}

// systemJobs reads the jobs that were made as documents. One that gaff.yaml has by now is not read: the project's counts.
func (l *loader) systemJobs() {
	list, err := readSystemJobs(l.files)
	if err != nil {
		l.add(SystemJobsFile, 1, 1, "this is not a list of jobs: %s", firstLine(err.Error()))
	}
	for i := range list {
		if _, taken := l.names["job "+list[i].Name]; !taken {
			l.systemJob(&list[i])
		}
	}
}

func (l *loader) systemJob(j *systemJob) {
	before := len(l.problems)
	source, err := j.yaml()
	if err == nil {
		var n = l.parse(source)
		if n == nil {
			err = errors.New("it cannot be read")
		} else {
			jobs := len(l.release.Jobs)
			l.job(n)
			for i := jobs; i < len(l.release.Jobs); i++ {
				l.release.Jobs[i].Disabled = !j.Active
			}
		}
	}
	if err != nil {
		l.add(SystemJobsFile, 1, 1, "job %.80q: %s", j.Name, firstLine(err.Error()))
	}
	for i := before; i < len(l.problems); i++ { // its place is in no file that anybody has written
		if p := &l.problems[i]; p.File == ProjectFile {
			p.File, p.Line, p.Col = SystemJobsFile, 1, 1
			p.Message = "job " + j.Name + ": " + strings.ReplaceAll(p.Message, "schedule ", "crontab ")
		}
	}
}

func decodeStrictly(b []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(to)
}
