package tasks

import (
	"testing"
	"time"

	"gaff/hooks"
)

func TestEventOf(t *testing.T) {
	t.Parallel()
	tick := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	id := taskID(taskType("shop", "nightly"), tick)
	e, err := eventOf(id, "shop:nightly", []byte(`{"cron":"0 3 * * *","message":{"a":1}}`), 2)
	if err != nil {
		t.Fatal(err)
	}
	if e.App != "shop" || e.Operation != "nightly" || e.Phase != hooks.Tick || e.Attempt != 2 || string(e.Message) != `{"a":1}` {
		t.Errorf("got %+v", e)
	}
	want := `{"id":"shop:nightly:2026-01-02T02:04:05Z","name":"nightly","cron":"0 3 * * *",` +
		`"scheduledAt":"2026-01-02T02:04:05Z","attempt":2,"manual":false}`
	if string(e.Job) != want || e.ID != "shop:nightly:2026-01-02T02:04:05Z" {
		t.Errorf("got %s\nwant %s", e.Job, want)
	}
	for name, bad := range map[string][3]string{
		"type":    {id, "nightly", "{}"},
		"name":    {id, "shop:night ly", "{}"},
		"id":      {"1234", "shop:nightly", "{}"},
		"tick":    {"shop:nightly:soon", "shop:nightly", "{}"},
		"payload": {id, "shop:nightly", "nothing"},
	} {
		if e, err := eventOf(bad[0], bad[1], []byte(bad[2]), 1); err == nil {
			t.Errorf("%s: got %+v", name, e)
		}
	}
}
