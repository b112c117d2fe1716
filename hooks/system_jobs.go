package hooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// SystemJobsCollection is the jobs of an app as a collection.
const SystemJobsCollection = "System_jobs"

// Registry is where releases are, as [SystemJobs] need it.
type Registry interface {
	Current(ctx context.Context, app string) (Pointer, error)
	Get(ctx context.Context, app string, number uint64) (*Release, error)
	Apply(ctx context.Context, r *Release, o ApplyOptions) (*Release, uint64, error)
}

// Select picks from documents what query and hint say, as a collection of them would.
type Select func(docs []json.RawMessage, query, hint json.RawMessage) (Found, error)

// SystemJobs shows the jobs of an app as a collection, and changes those that were made there. Each change is a release of
// its own; what is read is the current release. A job's _id is its name.
type SystemJobs struct {
	Registry Registry
	Build    func(files map[string]string) (*Release, error) // as [LoadProject]
	Select   Select
}

// Do carries a call out.
func (s *SystemJobs) Do(ctx context.Context, call CollectionCall) (Reply, error) {
	if call.Operation == http.MethodGet {
		return s.read(ctx, &call)
	}
	if call.Origin == Script {
		return Reply{}, Errorf(CodeForbidden, "scripts may read jobs, not change them")
	}
	for try := 1; ; try++ {
		reply, err := s.write(ctx, &call)
		if err != nil && AsError(err).Code == CodeConflict && errors.Is(err, ErrStale) && try < staleRetries {
			continue
		}
		return reply, err
	}
}

// systemState is what the current release has.
type systemState struct {
	pointer Pointer
	release *Release // with files; of an app without a release, an empty one
	list    []systemJob
}

func (s *SystemJobs) state(ctx context.Context, app string) (*systemState, error) {
	st := &systemState{release: &Release{App: app, Files: map[string]string{ProjectFile: "app: " + app + "\n"}}}
	var err error
	if st.pointer, err = s.Registry.Current(ctx, app); err != nil && AsError(err).Code != CodeNotFound {
		return nil, err
	}
	if st.pointer.Release != 0 {
		if st.release, err = s.Registry.Get(ctx, app, 0); err != nil {
			return nil, err
		}
	}
	if st.list, err = readSystemJobs(st.release.Files); err != nil {
		return nil, Errorf(CodeUnavailable, "the jobs of app %s cannot be read", app).Because(err)
	}
	return st, nil
}

// documents are all jobs: those of gaff.yaml too.
func (st *systemState) documents() map[string]document {
	docs := map[string]document{}
	for i := range st.list {
		docs[st.list[i].Name] = st.list[i].document(st.release.Files[st.list[i].script()])
	}
	for i := range st.release.Jobs {
		j := &st.release.Jobs[i]
		if docs[j.Name] != nil && isSystemJobFile(j.Script) {
			continue
		}
		created := timestamp(st.release.Created)
		listed := systemJob{
			Name: j.Name, Description: j.Description, Crontab: j.Schedule, Timezone: j.Timezone, Active: !j.Disabled, Timeout: j.Timeout.String(),
			Overlap: string(j.Overlap), Missed: string(j.Missed), Concurrency: j.Concurrency, Created: created, Changed: created,
		}
		docs[j.Name] = listed.document(st.release.Files[j.Script])
	}
	return docs
}

func (s *SystemJobs) read(ctx context.Context, call *CollectionCall) (Reply, error) {
	st, err := s.state(ctx, call.App)
	if err != nil {
		return Reply{}, err
	}
	return answerSelected(s.Select, call, raws(st.documents()))
}

// answerSelected answers a GET of one document or of a list from documents in memory.
func answerSelected(pick Select, call *CollectionCall, docs []json.RawMessage) (Reply, error) {
	query, hint := call.Query, call.Hint
	if call.ID != "" {
		query, hint = document{{fieldID, appendString(nil, call.ID)}}.raw(), shownOnly(call.Hint)
	}
	found, err := pick(docs, query, hint)
	switch {
	case err != nil:
		return Reply{}, err
	case call.ID == "":
		return Reply{Status: http.StatusOK, Body: found.Body()}, nil
	case len(found.List) == 0:
		return Reply{}, notFound(call.Collection, call.ID)
	}
	return Reply{Status: http.StatusOK, Body: found.List[0]}, nil
}

func raws(docs map[string]document) []json.RawMessage {
	all := make([]json.RawMessage, 0, len(docs))
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		all = append(all, docs[name].raw())
	}
	return all
}

// write makes a change: the list as it will be, built and applied as a release.
func (s *SystemJobs) write(ctx context.Context, call *CollectionCall) (Reply, error) {
	st, err := s.state(ctx, call.App)
	if err != nil {
		return Reply{}, err
	}
	if st.pointer.Canary != nil {
		return Reply{}, Errorf(CodeConflict, "release %d is being tried: promote it or go back, then change jobs", st.pointer.Canary.Release)
	}
	edit := &systemEdit{systemState: st, pick: s.Select, code: map[string]string{}}
	reply, err := edit.apply(call)
	if err != nil {
		return Reply{}, err
	}
	files, err := withSystemJobs(st.release.Files, edit.list, edit.code)
	if err != nil {
		return Reply{}, Errorf(CodeBadRequest, "the job cannot be kept").Because(err)
	}
	release, err := s.Build(files)
	if err != nil {
		return Reply{}, invalidJob(err)
	}
	release.App = call.App
	applied, _, err := s.Registry.Apply(ctx, release, ApplyOptions{IfRevision: st.pointer.Revision, By: SystemJobsCollection})
	if err != nil {
		if e := AsError(err); e.Code == CodeConflict {
			return Reply{}, e.Because(errors.Join(ErrStale, err))
		}
		return Reply{}, err
	}
	reply.Release = applied.Number
	return reply, nil
}

// invalidJob says what is wrong with a job, at which line of its code.
func invalidJob(err error) error {
	bad, ok := errors.AsType[*ProjectError](err)
	if !ok || len(bad.Problems) == 0 {
		return err
	}
	e := Errorf(CodeValidation, "%s", bad.Problems[0])
	if n := len(bad.Problems); n > 1 {
		e.Message += fmt.Sprintf(" (and %d more)", n-1)
	}
	for _, p := range bad.Problems {
		e.Fields = append(e.Fields, FieldError{Field: fmt.Sprintf("%s:%d:%d", p.File, max(p.Line, 1), max(p.Col, 1)), Message: p.Message})
	}
	return e
}

// systemEdit is a change of the list of jobs.
type systemEdit struct {
	*systemState
	pick Select
	code map[string]string // by path
}

func (ed *systemEdit) apply(call *CollectionCall) (Reply, error) {
	switch {
	case call.Operation == http.MethodDelete:
		return ed.remove(call)
	case call.Operation == http.MethodPost && call.ID == "":
		body, err := parseDocument(call.Body, "the job")
		if err != nil {
			return Reply{}, err
		}
		return ed.create(body)
	case call.ID != "" && (call.Operation == http.MethodPut || call.Operation == http.MethodPatch):
		body, err := parseDocument(call.Body, "the job")
		if err != nil {
			return Reply{}, err
		}
		return ed.change(call, body)
	}
	return Reply{}, Errorf(CodeBadRequest, "%.20s needs the name of a job in the path", call.Operation)
}

func (ed *systemEdit) create(body document) (Reply, error) {
	var name string
	if raw := body.get("name"); raw == nil || json.Unmarshal(raw, &name) != nil || name == "" {
		name = "job-" + newID()
		body.set("name", appendString(nil, name))
	}
	if err := CheckName("job", name); err != nil {
		return Reply{}, err
	}
	if ed.documents()[name] != nil {
		return Reply{}, Errorf(CodeConflict, "there is a job %s already", name)
	}
	now := timestamp(time.Now())
	j, err := ed.read(body, name, 0, now)
	if err != nil {
		return Reply{}, err
	}
	j.Created = now
	ed.list = append(ed.list, *j)
	return Reply{Status: http.StatusCreated, Body: j.document(ed.code[j.script()]).raw()}, nil
}

func (ed *systemEdit) change(call *CollectionCall, body document) (Reply, error) {
	i, err := ed.find(call.ID)
	if err != nil {
		return Reply{}, err
	}
	old := &ed.list[i]
	if call.Operation == http.MethodPatch {
		body = old.document(ed.release.Files[old.script()]).merge(body)
	} else if body.get("name") == nil {
		body.set("name", appendString(nil, call.ID))
	}
	j, err := ed.read(body, call.ID, old.Version+1, timestamp(time.Now()))
	if err != nil {
		return Reply{}, err
	}
	j.Created = old.Created
	ed.list[i] = *j
	return Reply{Status: http.StatusOK, Body: j.document(ed.code[j.script()]).raw()}, nil
}

// read takes a job from a document. Its code goes to the files.
func (ed *systemEdit) read(body document, name string, version int64, changed json.RawMessage) (*systemJob, error) {
	var code string
	if raw := body.get("code"); raw == nil || json.Unmarshal(raw, &code) != nil || strings.TrimSpace(code) == "" {
		return nil, invalidField("code", "the job's script is needed, as text")
	}
	if body.get("crontab") == nil {
		return nil, invalidField("crontab", "five fields are needed, or @hourly and the like, @every 30s, or @manual")
	}
	if body.get("active") == nil {
		body.set("active", json.RawMessage("true"))
	}
	j := &systemJob{}
	if err := decodeStrictly(body.without(fieldID, fieldVersion, fieldCreated, fieldChanged, "code").raw(), j); err != nil {
		return nil, Errorf(CodeValidation, "the job cannot be read: %s", strings.TrimPrefix(err.Error(), "json: ")).Because(err)
	}
	if j.Name != name {
		return nil, invalidField("name", "a job keeps its name, "+name)
	}
	j.Version, j.Changed = version, changed
	ed.code[j.script()] = code
	return j, nil
}

func invalidField(field, message string) *Error {
	e := Errorf(CodeValidation, "%s: %s", field, message)
	e.Fields = []FieldError{{Field: field, Message: message}}
	return e
}

// find returns the place of a job that can be changed here.
func (ed *systemEdit) find(name string) (int, error) {
	if i := slices.IndexFunc(ed.list, func(j systemJob) bool { return j.Name == name }); i >= 0 {
		return i, nil
	}
	if ed.documents()[name] != nil {
		return 0, Errorf(CodeConflict, "job %s is one of the project: change it in %s, or switch it off with `gaff jobs disable %s`",
			name, ProjectFile, name)
	}
	return 0, notFound(SystemJobsCollection, name)
}

// remove deletes a job, or all that a query selects.
func (ed *systemEdit) remove(call *CollectionCall) (Reply, error) {
	names := []string{call.ID}
	if call.ID == "" {
		query, err := call.selecting()
		if err != nil {
			return Reply{}, err
		}
		found, err := ed.pick(raws(ed.documents()), query, nil)
		if err != nil {
			return Reply{}, err
		}
		names = names[:0]
		for _, raw := range found.List {
			d, err := parseDocument(raw, "a job")
			if err != nil {
				return Reply{}, err
			}
			id, err := d.id()
			if err != nil {
				return Reply{}, err
			}
			names = append(names, id)
		}
	}
	for _, name := range names {
		i, err := ed.find(name)
		if err != nil {
			return Reply{}, err
		}
		ed.list = slices.Delete(ed.list, i, i+1)
	}
	return Reply{Status: http.StatusOK, Body: mustMarshal(map[string][]string{"result": names})}, nil
}
