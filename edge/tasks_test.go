package edge

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// queueOf is a queue of jobs in memory.
type queueOf struct{ *world }

func (q queueOf) Tasks(_ context.Context, f hooks.TaskFilter) ([]hooks.Task, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	found := []hooks.Task{}
	for _, t := range q.tasks {
		if (f.Job == "" || f.Job == t.Job) && (len(f.States) == 0 || slices.Contains(f.States, t.State)) {
			found = append(found, t)
		}
	}
	return found, nil
}

func (q queueOf) Task(_ context.Context, app, id string) (hooks.Task, error) {
	for _, t := range q.tasks {
		if t.ID == id {
			return t, nil
		}
	}
	return hooks.Task{}, hooks.Errorf(hooks.CodeNotFound, "app %s has no task %s", app, id)
}

func (q queueOf) Enqueue(_ context.Context, o hooks.TaskOrder) (string, bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.orders = append(q.orders, o)
	return "t" + o.ID, o.ID == "known", o.Check(time.Now())
}

func (q queueOf) Retry(ctx context.Context, app, id string) error {
	_, err := q.Task(ctx, app, id)
	return err
}

func (q queueOf) Cancel(ctx context.Context, app, id string) (int, error) {
	if t, err := q.Task(ctx, app, id); err != nil || t.State == hooks.TaskActive {
		return 0, nil
	}
	return 1, nil
}

func TestTasks(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	w.tasks = []hooks.Task{
		{ID: "shop:nightly:2026-01-02T03:00:00Z", Job: "nightly", State: hooks.TaskArchived, Error: "HOOK_ERROR: boom"},
		{ID: "a1", Job: "other", State: hooks.TaskActive},
	}
	h := newServer(t, w, nil).Handler()
	tick := "/v1/tasks/shop:nightly:2026-01-02T03:00:00Z"
	for _, q := range []request{
		{target: "/v1/tasks", status: 200, has: "boom"},
		{target: "/v1/tasks?state=active", status: 200, has: `[{"id":"a1"`},
		{target: "/v1/tasks?job=nobody", status: 200, has: "[]"},
		{target: "/v1/tasks?state=lost", status: 400, code: hooks.CodeValidation},
		{target: "/v1/tasks?limit=0", status: 400, code: hooks.CodeValidation},
		{target: tick, status: 200, has: `"state":"archived"`},
		{target: "/v1/tasks/none", status: 404, code: hooks.CodeNotFound},
		{method: "POST", target: tick + "/retry", status: 202, has: "nightly"},
		{method: "POST", target: "/v1/tasks/none/retry", status: 404, code: hooks.CodeNotFound},
		{method: "DELETE", target: tick, status: 200, has: `{"cancelled":1}`},
		{method: "DELETE", target: "/v1/tasks/none", status: 404, code: hooks.CodeNotFound},
		{method: "DELETE", target: "/v1/tasks/a1", status: 409, code: hooks.CodeConflict},
	} {
		q.header = map[string]string{"Gaff-App": shop}
		q.run(t, h)
	}
}

func TestEnqueueJob(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	h := newServer(t, w, nil).Handler()
	const enqueue = "/v1/jobs/nightly/enqueue"
	for _, q := range []request{
		{target: enqueue, status: 202, has: `{"id":"t","existing":false}`},
		{target: enqueue, body: `{"payload":{"n":1},"delay":"5m","id":"known"}`, status: 202, has: `{"id":"tknown","existing":true}`},
		{target: enqueue, body: `{"payload":[1],"at":"2035-01-02T03:04:05Z"}`, status: 202},
		{target: enqueue, body: `{"delay":1,"at":2}`, status: 400, code: hooks.CodeBadRequest, has: "not both"},
		{target: enqueue, body: `{"delay":"soon"}`, status: 400, code: hooks.CodeBadRequest},
		{target: enqueue, body: `{"at":"tomorrow"}`, status: 400, code: hooks.CodeBadRequest},
		{target: enqueue, body: `{"id":"a b"}`, status: 400, code: hooks.CodeBadRequest},
		{target: enqueue, body: `{"what":1}`, status: 400},
		{target: "/v1/jobs/nobody/enqueue", status: 404, code: hooks.CodeNotFound},
		{target: "/v1/jobs/a.b/enqueue", status: 400, code: hooks.CodeBadName},
	} {
		q.method, q.header = "POST", map[string]string{"Gaff-App": shop}
		q.run(t, h)
	}
	if len(w.orders) != 4 || string(w.orders[1].Payload) != `{"n":1}` || !w.orders[2].At.Equal(time.Date(2035, 1, 2, 3, 4, 5, 0, time.UTC)) ||
		w.orders[0].Cron != "0 3 * * *" || w.orders[0].App != shop {
		t.Errorf("%+v", w.orders)
	}
	if until := time.Until(w.orders[1].At); until < 4*time.Minute || until > 5*time.Minute {
		t.Errorf("in %v", until)
	}
	var did []string
	for _, a := range w.audits {
		did = append(did, a.Action)
	}
	if strings.Join(did, " ") != "job-enqueue job-enqueue job-enqueue" {
		t.Errorf("%v", did)
	}
}
