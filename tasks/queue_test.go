package tasks

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// TestRunNow: a job runs each time that somebody wants it, and its script is told that somebody did.
func TestRunNow(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		h := newHandler()
		job := hooks.Job{Name: "nightly", Schedule: "0 3 * * *"}
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: jobsOf(job), Log: new(logs).logger()})
		})
		q := NewQueue(r)
		defer q.Close()
		ids := map[string]bool{}
		for range 2 {
			id, err := q.Run(t.Context(), "a", &job)
			if err != nil {
				t.Fatal(err)
			}
			waitState(t, r, id, asynq.TaskStateCompleted)
			ids[id] = true
			e := <-h.events
			var info jobInfo
			if err := json.Unmarshal(e.Job, &info); err != nil {
				t.Fatal(err)
			}
			if _, err := time.Parse(time.RFC3339, info.ScheduledAt); err != nil || !info.Manual || info.Cron != job.Schedule || e.ID != id {
				t.Errorf("%+v of event %s, %v", info, e.ID, err)
			}
		}
		if len(ids) != 2 {
			t.Errorf("ids %v", ids)
		}
	})
}

// TestOrders orders runs, now and later, sees them, cancels some and has others run early.
func TestOrders(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		q := NewQueue(r)
		defer q.Close()
		order := func(o hooks.TaskOrder) string {
			t.Helper()
			o.App = "a"
			id, existing, err := q.Enqueue(t.Context(), o)
			if err != nil || existing {
				t.Fatal(id, existing, err)
			}
			return id
		}
		tomorrow := time.Now().Add(24 * time.Hour).Truncate(time.Second)
		now := order(hooks.TaskOrder{Job: "mail", Payload: json.RawMessage(`{"to":"ann"}`)})
		later := order(hooks.TaskOrder{Job: "mail", At: tomorrow, ID: "later"})
		order(hooks.TaskOrder{Job: "report", Script: "scripts/x.js", At: tomorrow})
		if id, existing, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "mail", ID: "later"}); id != later || !existing || err != nil {
			t.Error(id, existing, err)
		}
		if _, existing, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "b", Job: "mail", ID: "later"}); existing || err != nil {
			t.Error("an id of another app:", existing, err)
		}
		list, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a", Job: "mail"})
		if err != nil || len(list) != 2 || list[0].ID != now || list[0].State != hooks.TaskPending || string(list[0].Payload) != `{"to":"ann"}` ||
			list[1].ID != "later" || list[1].State != hooks.TaskScheduled || !list[1].Due.Equal(tomorrow) || !list[1].ScheduledAt.Equal(tomorrow) {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a", States: []hooks.TaskState{hooks.TaskScheduled}, Limit: 1}); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := q.Tasks(t.Context(), hooks.TaskFilter{App: "a", States: []hooks.TaskState{"lost"}}); hooks.AsError(err).Code != hooks.CodeBadRequest {
			t.Error(err)
		}
		for id, want := range map[string]int{now: 1, "none": 0, "b:later": 0} {
			if n, err := q.Cancel(t.Context(), "a", id); n != want || err != nil {
				t.Errorf("cancel %s: %d, %v", id, n, err)
			}
		}
		if err := q.Retry(t.Context(), "a", "none"); hooks.AsError(err).Code != hooks.CodeNotFound {
			t.Error(err)
		}
		if err := q.Retry(t.Context(), "a", "later"); err != nil {
			t.Error(err)
		}
		h := newHandler()
		tables := jobsOf(hooks.Job{Name: "mail"})
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: tables, Log: new(logs).logger()})
		})
		h.next(t, "mail")
		waitState(t, r, "a:later", asynq.TaskStateCompleted)
		if _, existing, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "mail", ID: "later"}); !existing || err != nil {
			t.Error("what has run is ordered again:", existing, err)
		}
	})
}

// TestOrderAfterFailure: an id whose task has failed for good can be ordered anew.
func TestOrderAfterFailure(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		h := newHandler()
		h.verdict = func(*hooks.Event) hooks.Verdict { return hooks.Stop(hooks.Errorf(hooks.CodeHookError, "no")) }
		run(t, func(ctx context.Context) error {
			return Serve(ctx, r, h, Options{Tables: jobsOf(hooks.Job{Name: "mail"}), Log: new(logs).logger()})
		})
		q := NewQueue(r)
		defer q.Close()
		for range 2 {
			if _, existing, err := q.Enqueue(t.Context(), hooks.TaskOrder{App: "a", Job: "mail", ID: "m1"}); existing || err != nil {
				t.Fatal(existing, err)
			}
			<-h.events
			waitState(t, r, "a:m1", asynq.TaskStateArchived)
		}
	})
}

// release of the tests of what scripts can do.
func hostTable() *hooks.Table {
	return hooks.NewTable(&hooks.Release{
		App: "a", Jobs: []hooks.Job{{Name: "mail", Schedule: "@daily", Timezone: "UTC"}},
		Files: map[string]string{"scripts/Remind.js": "1", "gaff.yaml": ""},
	})
}

// call calls a host function as a script does.
func call(t *testing.T, f hooks.HostFunctions, name string, args ...string) string {
	t.Helper()
	raw := make([]json.RawMessage, len(args))
	for i, a := range args {
		raw[i] = json.RawMessage(a)
	}
	c := &hooks.Caller{Event: &hooks.Event{App: "a"}, Table: hostTable()}
	got, err := f[name](t.Context(), c, raw)
	if err != nil {
		return string(hooks.AsError(err).Code) + " " + hooks.AsError(err).Message
	}
	return string(got)
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	functions := map[string]func(t *testing.T) hooks.HostFunctions{
		"pretended": func(*testing.T) hooks.HostFunctions { return PretendFunctions() },
	}
	for name, url := range redisURLs(t) {
		functions[name] = func(t *testing.T) hooks.HostFunctions {
			q := NewQueue(own(t, url))
			t.Cleanup(func() { q.Close() })
			return Functions(q)
		}
	}
	for name, make := range functions {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testFunctions(t, make(t))
		})
	}
}

func testFunctions(t *testing.T, f hooks.HostFunctions) {
	in := time.Now().Add(time.Hour).Truncate(time.Second)
	for _, c := range []struct{ name, args, want string }{
		{"jobs.enqueue", `"mail"|{"to":"ann"}|{"id":"m1"}`, `{"existing":false,"id":"m1"}`},
		{"jobs.enqueue", `"mail"|{"to":"ann"}|{"id":"m1","delay":5}`, `{"existing":true,"id":"m1"}`},
		{"jobs.enqueue", `"mail"|null|{"delay":"10m","id":"m2"}`, `"id":"m2"`},
		{"jobs.enqueue", `"mail"`, `{"existing":false,"id":"`},
		{"jobs.enqueue", ``, "BAD_REQUEST the first argument"},
		{"jobs.enqueue", `"none"`, "NOT_FOUND there is no job none"},
		{"jobs.enqueue", `"a.b"`, "BAD_NAME"},
		{"jobs.enqueue", `"mail"|1|"soon"`, "BAD_REQUEST the third argument"},
		{"jobs.enqueue", `"mail"|1|{"delay":-1}`, "BAD_REQUEST delay -1"},
		{"jobs.enqueue", `"mail"|1|{"delay":1,"at":1}`, "not both"},
		{"jobs.enqueue", `"mail"|1|{"at":"3000-01-01T00:00:00Z"}`, "ten years"},
		{"jobs.enqueue", `"mail"|1|{"id":"a b"}`, "BAD_REQUEST id"},
		{"jobs.list", `{"state":"scheduled"}`, `[{"id":"m2","job":"mail","state":"scheduled","due":"`},
		{"jobs.cancel", `"m2"`, `{"cancelled":1}`},
		{"jobs.cancel", `"m2"`, `{"cancelled":0}`},
		{"jobs.cancel", ``, "BAD_REQUEST"},
		{"scripts.schedule", fmt.Sprintf(`{"script":"scripts/Remind","data":{"n":1},"at":%d}`, in.UnixMilli()), `{"jobId":"`},
		{"scripts.schedule", `{"script":"/scripts/Remind.ccjs"}`, `{"jobId":"`},
		{"scripts.schedule", `{"script":"../etc/passwd"}`, "NOT_FOUND there is no script"},
		{"scripts.schedule", `"x"`, "BAD_REQUEST"},
		{"scripts.scheduled", fmt.Sprintf(`{"until":%d}`, in.Add(-time.Minute).UnixMilli()), `[]`},
		{"scripts.scheduled", fmt.Sprintf(`{"until":%d}`, in.UnixMilli()), fmt.Sprintf(`"jobType":"CloudCode","scriptName":"scripts/Remind.js",`+
			`"parameters":{"n":1},"runState":"Scheduled","description":"","scheduledStartTime":%d`, in.UnixMilli())},
		{"scripts.running", ``, `"runState":"Queued"`},
	} {
		var args []string
		if c.args != "" {
			args = strings.Split(c.args, "|")
		}
		if got := call(t, f, c.name, args...); !strings.Contains(got, c.want) {
			t.Errorf("%s(%s): %s, want %s", c.name, c.args, got, c.want)
		}
	}
	var list []struct {
		JobID string `json:"jobId"`
	}
	if err := json.Unmarshal([]byte(call(t, f, "scripts.scheduled")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if got := call(t, f, "scripts.cancel", `"`+list[0].JobID+`"`); got != `{"cancelled":1}` {
		t.Error(got)
	}
}
