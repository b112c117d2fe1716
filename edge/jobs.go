package edge

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"gaff/hooks"
)

// jobBody is a job as it is registered.
type jobBody struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Schedule    string        `json:"schedule"`
	Timezone    string        `json:"timezone"`
	Script      string        `json:"script"`
	Timeout     string        `json:"timeout"`
	Overlap     hooks.Overlap `json:"overlap"`
	Missed      hooks.Missed  `json:"missed"`
	Jitter      string        `json:"jitter,omitempty"`
	Concurrency int           `json:"concurrency,omitempty" doc:"runs at once at most; absent: any number"`
	Retry       *retryBody    `json:"retry,omitempty" doc:"absent: a run that fails is not tried again"`
}

// retryBody is how what failed is tried again.
type retryBody struct {
	Attempts int           `json:"attempts"`
	Backoff  hooks.Backoff `json:"backoff,omitempty"`
	Min      string        `json:"min,omitempty"`
	Max      string        `json:"max,omitempty"`
}

func jobBodyOf(j *hooks.Job) jobBody {
	return jobBody{
		j.Name, j.Description, j.Schedule, j.Timezone, j.Script, j.Timeout.String(), cmp.Or(j.Overlap, hooks.OverlapSkip),
		cmp.Or(j.Missed, hooks.MissedLatest), duration(j.Jitter), j.Concurrency, retryBodyOf(j.Retry),
	}
}

func retryBodyOf(r hooks.Retry) *retryBody {
	if r.Attempts == 0 {
		return nil
	}
	return &retryBody{r.Attempts, r.Backoff, duration(r.Min), duration(r.Max)}
}

// duration is text, empty for none.
func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// jobState is a job as lists show it.
type jobState struct {
	jobBody
	standing
	Next *time.Time `json:"next,omitempty"`
	figures
}

// jobStates lists the jobs of what serves: all, or the one of that name.
func (s *Server) jobStates(ctx context.Context, app, name string) ([]jobState, uint64, error) {
	state, revision, err := s.config.States.State(ctx, app)
	if err != nil {
		return nil, 0, err
	}
	list, at := []jobState{}, map[string]int{}
	eachRelease(s.config.Tables.Of(app), func(r *hooks.Release, st standing) {
		for i := range r.Jobs {
			j := &r.Jobs[i]
			if known, ok := at[j.Name]; ok {
				list[known].CanaryRelease = st.CanaryRelease
			} else if name == "" || name == j.Name {
				at[j.Name] = len(list)
				st.stand(!j.Disabled && !state.JobDisabled(j.Name), state.QuarantinedJobs, j.Name)
				list = append(list, jobState{jobBody: jobBodyOf(j), standing: st, Next: next(j, st.Enabled)})
			}
		}
	})
	if len(list) == 0 {
		return list, revision, nil
	}
	all, err := s.figures(ctx, app, hooks.KindJob, name)
	for i := range list {
		list[i].figures = of(all, list[i].Name)
	}
	return list, revision, err
}

// next is the job's next tick, or nil.
func next(j *hooks.Job, enabled bool) *time.Time {
	schedule, err := hooks.ParseSchedule(j.Schedule, j.Timezone)
	if t := schedule.Next(time.Now()); enabled && err == nil && !t.IsZero() {
		return &t
	}
	return nil
}

func (a *api) jobs() {
	s := a.server
	registered(a, "job", s.jobStates, (*hooks.State).EnableJob, func(j *jobState, on bool) {
		if j.turn(on); !on {
			j.Next = nil
		}
	})
	serve(a, operation{
		id: "run-job", method: http.MethodPost, path: "/v1/jobs/{name}/run", summary: "Run a job once, now", status: http.StatusAccepted,
	}, s.runJob)
	a.tasks()
}

type runBody struct {
	ID string `json:"id" doc:"of the event: /v1/logs?id= has its record"`
}

func (s *Server) runJob(x *exchange, in *nameInput) (*tagged[runBody], error) {
	if err := hooks.CheckName("job", in.Name); err != nil {
		return nil, err
	}
	if s.config.Tables.Of(x.caller.app).Job(in.Name) == nil {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is no job %s that is on", in.Name)
	}
	id, err := s.config.RunJob(x.r.Context(), x.caller.app, in.Name)
	if err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "job-run", "", in.Name)
	return &tagged[runBody]{Body: runBody{id}}, nil
}
