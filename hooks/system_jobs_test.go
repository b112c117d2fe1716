package hooks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/store"
)

// registry keeps the releases of one app.
type registry struct {
	releases []*hooks.Release
	canary   *hooks.Canary
	before   func() // runs before a release is applied
}

func (r *registry) Current(_ context.Context, app string) (hooks.Pointer, error) {
	if len(r.releases) == 0 {
		return hooks.Pointer{}, hooks.Errorf(hooks.CodeNotFound, "there is no app %s", app)
	}
	n := uint64(len(r.releases))
	return hooks.Pointer{App: app, Release: n, Revision: 10 * n, Canary: r.canary}, nil
}

func (r *registry) Get(_ context.Context, app string, n uint64) (*hooks.Release, error) {
	if n == 0 {
		n = uint64(len(r.releases))
	}
	return r.releases[n-1], nil
}

func (r *registry) Apply(ctx context.Context, release *hooks.Release, o hooks.ApplyOptions) (*hooks.Release, uint64, error) {
	if r.before != nil {
		r.before()
	}
	if p, err := r.Current(ctx, ""); err == nil && o.IfRevision != 0 && o.IfRevision != p.Revision {
		return nil, 0, hooks.Errorf(hooks.CodeConflict, "somebody else")
	}
	next := *release
	next.Number, next.Created = uint64(len(r.releases)+1), time.Now()
	r.releases = append(r.releases, &next)
	return &next, 10 * next.Number, nil
}

// last is the newest release as it is loaded from its files, as every process loads it.
func (r *registry) last(t *testing.T) *hooks.Release {
	t.Helper()
	loaded, err := hooks.LoadProject(r.releases[len(r.releases)-1].Files)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// system makes calls on System_jobs.
type system struct {
	*registry
	collections *hooks.Collections
}

func newSystem(t *testing.T, files map[string]string) *system {
	t.Helper()
	s := &system{registry: &registry{}}
	if files != nil {
		r, err := hooks.LoadProject(files)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Apply(t.Context(), r, hooks.ApplyOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	jobs := &hooks.SystemJobs{Registry: s.registry, Build: hooks.LoadProject, Select: store.Select}
	s.collections = &hooks.Collections{System: hooks.SystemCollections{hooks.SystemJobsCollection: jobs.Do}}
	return s
}

// do makes a call such as "POST" or "GET name"; the answer is its status and body, or its error.
func (s *system) do(t *testing.T, what, body string) string {
	t.Helper()
	operation, id, _ := strings.Cut(what, " ")
	call := hooks.CollectionCall{App: "default", Collection: hooks.SystemJobsCollection, Operation: operation, ID: id, Origin: hooks.Client}
	if strings.HasPrefix(id, "?") {
		call.ID, call.Query = "", json.RawMessage(id[1:])
	}
	if body != "" {
		call.Body = json.RawMessage(body)
	}
	reply, err := s.collections.Do(t.Context(), call)
	if err != nil {
		e := hooks.AsError(err)
		return fmt.Sprintf("%d %s %s %v", e.Status, e.Code, e.Message, e.Fields)
	}
	return fmt.Sprintf("%d %s", reply.Status, reply.Body)
}

func (s *system) expect(t *testing.T, what, body string, has ...string) string {
	t.Helper()
	got := s.do(t, what, body)
	for _, part := range has {
		if !strings.Contains(got, part) {
			t.Errorf("%s %s: %s\nlacks %s", what, body, got, part)
		}
	}
	return got
}

const project = "app: default\njobs:\n  - {name: own, schedule: '@hourly', description: Ours, script: jobs/own.js}\n"

func projectFiles() map[string]string {
	return map[string]string{"gaff.yaml": project, "jobs/own.js": "function runJob(req, res) { res.end('own'); }\n"}
}

const nightly = `{"name":"nightly","description":"Cleans up","crontab":"0 3 * * *","timezone":"Europe/Oslo","active":true,` +
	`"code":"function runJob(req, res) {\n  res.end('clean');\n}\n"}`

func TestSystemJobs(t *testing.T) {
	t.Parallel()
	s := newSystem(t, projectFiles())
	s.expect(t, "POST", nightly, `201 {"_id":"nightly","_version":0,"_created":"2`, `"crontab":"0 3 * * *"`, `"timezone":"Europe/Oslo"`, `res.end('clean')`)
	job := s.last(t).Jobs[1]
	if job.Name != "nightly" || job.Schedule != "0 3 * * *" || job.Timezone != "Europe/Oslo" || job.Disabled || job.Description != "Cleans up" {
		t.Errorf("%+v", job)
	}
	s.expect(t, "GET", "", `200 [{"_id":"nightly"`, `{"_id":"own"`, `"description":"Ours"`, `res.end('own')`)
	s.expect(t, "GET own", "", `200 {"_id":"own"`, `"active":true`)
	s.expect(t, `GET ?{"crontab":{"$regex":"^0 3"}}`, "", `200 [{"_id":"nightly"`)
	s.expect(t, "PATCH nightly", `{"active":false,"overlap":"allow"}`, `200 {"_id":"nightly","_version":1`, `"active":false`)
	if job := s.last(t).Jobs[1]; !job.Disabled || job.Overlap != hooks.OverlapAllow || job.Schedule != "0 3 * * *" {
		t.Errorf("%+v", job)
	}
	s.expect(t, "PUT nightly", `{"crontab":"@daily","code":"function runJob(req, res) { res.end('put'); }"}`, `"_version":2`, `"active":true`, `"timezone":"UTC"`)
	if job := s.last(t).Jobs[1]; job.Schedule != "@daily" || job.Description != "" || job.Overlap != hooks.OverlapSkip {
		t.Errorf("%+v", job)
	}
	// A project that knows nothing of such jobs keeps them; going back brings back what was.
	kept := hooks.KeepSystemJobs(projectFiles(), s.releases[3])
	if r, err := hooks.LoadProject(kept); err != nil || len(r.Jobs) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if jobs := s.releases[1].Jobs; len(jobs) != 2 || jobs[1].Schedule != "0 3 * * *" {
		t.Errorf("%+v", jobs)
	}
	s.expect(t, "DELETE nightly", "", `200 {"result":["nightly"]}`)
	if files := s.last(t).Files; len(files) != 2 {
		t.Errorf("%v", files)
	}
	s.expect(t, "GET nightly", "", "404 NOT_FOUND")
}

func TestSystemJobsRefuses(t *testing.T) {
	t.Parallel()
	s := newSystem(t, projectFiles())
	s.expect(t, "POST", nightly, "201")
	releases := len(s.releases)
	for _, c := range []struct{ what, body, want string }{
		{"POST", nightly, "409 CONFLICT there is a job nightly"},
		{"POST", `{"name":"own","crontab":"@daily","code":"1"}`, "409 CONFLICT there is a job own"},
		{"POST", `{"name":"a.b","crontab":"@daily","code":"1"}`, "400 BAD_NAME"},
		{"POST", `{"name":"x","crontab":"@daily"}`, "400 VALIDATION code"},
		{"POST", `{"name":"x","code":"function runJob(){}"}`, "400 VALIDATION crontab"},
		{"POST", `{"name":"x","crontab":"31 February","code":"function runJob(){}"}`, `crontab "31 February" has 2 fields`},
		{"POST", `{"name":"x","crontab":"0 0 31 2 *","code":"function runJob(){}"}`, "is never due"},
		{"POST", `{"name":"x","crontab":"@daily","timezone":"Mars/Base","code":"function runJob(){}"}`, "Mars/Base"},
		{"POST", `{"name":"x","crontab":"@daily","code":"function runJob() {\n  var a = ;\n}"}`, "400 VALIDATION System_jobs/x.js:2:"},
		{"POST", `{"name":"x","crontab":"@daily","code":"function beforePOST() {}"}`, "System_jobs/x.js does not define"},
		{"POST", `{"name":"x","crontab":"@daily","active":"yes","code":"function runJob(){}"}`, "400 VALIDATION"},
		{"POST", `{"name":"x","crontab":"@daily","often":1,"code":"function runJob(){}"}`, `unknown field "often"`},
		{"POST", `{"name":"x","crontab":"@daily","retry":{"attempts":0},"code":"function runJob(){}"}`, "attempts must be"},
		{"POST", `[1]`, "400 BAD_REQUEST"},
		{"PUT nightly", `{"name":"other","crontab":"@daily","code":"function runJob(){}"}`, "keeps its name"},
		{"PUT none", `{"crontab":"@daily","code":"function runJob(){}"}`, "404 NOT_FOUND"},
		{"PATCH own", `{"active":false}`, "409 CONFLICT job own is one of the project"},
		{"DELETE own", "", "409 CONFLICT"},
		{"DELETE none", "", "404 NOT_FOUND"},
		{"DELETE ?{}", "", "409 CONFLICT"},
		{"PATCH", `{}`, "400 BAD_REQUEST"},
		{`GET ?{"a":{"$near":1}}`, "", "400 BAD_REQUEST"},
	} {
		s.expect(t, c.what, c.body, c.want)
	}
	call := hooks.CollectionCall{App: "default", Collection: hooks.SystemJobsCollection, Operation: "POST", Body: json.RawMessage(nightly), Origin: hooks.Script}
	if _, err := s.collections.Do(t.Context(), call); hooks.AsError(err).Code != hooks.CodeForbidden {
		t.Errorf("a script: %v", err)
	}
	s.canary = &hooks.Canary{Release: 9, Percent: 10}
	s.expect(t, "DELETE nightly", "", "409 CONFLICT release 9 is being tried")
	if len(s.releases) != releases {
		t.Errorf("%d releases were made by calls that were refused", len(s.releases)-releases)
	}
}

// The first job of an app without a release makes one; a job without a name gets one.
func TestSystemJobsFromNothing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, nil)
	s.expect(t, "GET", "", "200 []")
	s.expect(t, "POST", `{"crontab":"*/10 * * * *","code":"function runJob(req, res) { res.end(); }"}`, `201 {"_id":"job-`, `"active":true`)
	if jobs := s.last(t).Jobs; len(jobs) != 1 {
		t.Errorf("%+v", jobs)
	}
}

// Changes that cross each other all come about.
func TestSystemJobsAtOnce(t *testing.T) {
	t.Parallel()
	s := newSystem(t, projectFiles())
	other := newSystem(t, nil)
	other.registry = s.registry
	other.collections = s.collections
	crossed := false
	s.before = func() {
		if !crossed {
			crossed = true
			other.expect(t, "POST", strings.Replace(nightly, "nightly", "first", 1), "201")
		}
	}
	s.expect(t, "POST", nightly, "201")
	if jobs := s.last(t).Jobs; len(jobs) != 3 {
		t.Errorf("%+v", jobs)
	}
}

// A job of gaff.yaml takes the place of one of that name that was made as a document.
func TestProjectTakesOverSystemJob(t *testing.T) {
	t.Parallel()
	s := newSystem(t, projectFiles())
	s.expect(t, "POST", nightly, "201")
	files := projectFiles()
	files["gaff.yaml"] += "  - {name: nightly, schedule: '@weekly', script: jobs/own.js}\n"
	r, err := hooks.LoadProject(hooks.KeepSystemJobs(files, s.releases[1]))
	if err != nil || len(r.Jobs) != 2 || r.Jobs[1].Schedule != "@weekly" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestSystemLog(t *testing.T) {
	t.Parallel()
	var asked hooks.LogFilter
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	log := &hooks.SystemLog{Select: store.Select, Logs: func(_ context.Context, f hooks.LogFilter) ([]hooks.Record, error) {
		asked = f
		return []hooks.Record{
			{ID: "r1", Time: at, App: "default", Kind: hooks.KindJob, Name: "nightly", Status: hooks.StatusOK, End: "cleaned"},
			{ID: "r2", Time: at.Add(time.Second), App: "default", Kind: hooks.KindHook, Name: "customer", Status: hooks.StatusFailed},
			{ID: "r3", Time: at.Add(time.Minute), App: "default", Kind: hooks.KindAudit, Name: "key-create", Status: hooks.StatusOK},
		}, nil
	}}
	c := &hooks.Collections{System: hooks.SystemCollections{hooks.SystemLogCollection: log.Do}}
	do := func(operation, id, query, hint string) string {
		call := hooks.CollectionCall{App: "default", Collection: hooks.SystemLogCollection, Operation: operation, ID: id}
		if query != "" {
			call.Query = json.RawMessage(query)
		}
		if hint != "" {
			call.Hint = json.RawMessage(hint)
		}
		reply, err := c.Do(t.Context(), call)
		if err != nil {
			return fmt.Sprint(hooks.AsError(err).Status)
		}
		return string(reply.Body)
	}
	if got := do("GET", "", "", ""); !strings.HasPrefix(got, `[{"_id":"r2","_version":0,"_created":"2026-01-02T03:04:06.000Z"`) || strings.Contains(got, "r3") {
		t.Errorf("all: %s", got)
	}
	got := do("GET", "", `{"kind":"job","name":"nightly","time":{"$gte":"2026-01-02T03:04:05Z"}}`, `{"$fields":{"end":1}}`)
	if !strings.Contains(got, `"end":"cleaned"`) || strings.Contains(got, "status") || strings.Contains(got, "r2") {
		t.Errorf("query: %s", got)
	}
	want := hooks.LogFilter{App: "default", Kind: hooks.KindJob, Name: "nightly", Since: at.Add(-time.Second), Limit: asked.Limit}
	if asked != want {
		t.Errorf("asked for %+v", asked)
	}
	if got := do("GET", "", `{"end":{"$regex":"clean"}}`, `{"$orderby":{"name":1},"$max":5}`); !strings.HasPrefix(got, `[{"_id":"r1"`) {
		t.Errorf("regex: %s", got)
	}
	if got := do("GET", "r1", "", ""); !strings.HasPrefix(got, `{"_id":"r1"`) {
		t.Errorf("one: %s", got)
	}
	if got := do("GET", "r9", "", ""); got != "404" {
		t.Errorf("none: %s", got)
	}
	if got := do("POST", "", "", ""); got != "405" {
		t.Errorf("writing: %s", got)
	}
}
