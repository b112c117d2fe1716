package tasks

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"gaff/hooks"
)

// TestRunNow: a job runs each time that somebody wants it, and its script is told that somebody did.
func TestRunNow(t *testing.T) {
	onEach(t, func(t *testing.T, r Redis) {
		events := make(chan *hooks.Event, 2)
		h := hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
			events <- e
			return hooks.GoOn()
		})
		var l logs
		run(t, func(ctx context.Context) error { return Serve(ctx, r, h, Options{Log: l.logger()}) })
		job := &hooks.Job{Name: "nightly", Schedule: "0 3 * * *"}
		ids := map[string]bool{}
		for range 2 {
			id, err := Run(t.Context(), r, "shop", job)
			if err != nil {
				t.Fatal(err)
			}
			waitState(t, r, id, asynq.TaskStateCompleted)
			ids[id] = true
			e := <-events
			var info jobInfo
			if err := json.Unmarshal(e.Job, &info); err != nil {
				t.Fatal(err)
			}
			if _, err := time.Parse(time.RFC3339, info.ScheduledAt); err != nil || !info.Manual || info.Cron != job.Schedule || e.ID != id || e.App != "shop" {
				t.Errorf("%+v of event %s, %v", info, e.ID, err)
			}
		}
		if len(ids) != 2 {
			t.Errorf("ids %v", ids)
		}
	})
}
