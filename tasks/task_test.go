package tasks

import (
	"testing"
	"time"

	"gaff/hooks"
)

func TestWork(t *testing.T) {
	t.Parallel()
	tick := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	id := tickID("shop", "nightly", tick)
	w, err := readWork(id, "shop:nightly", []byte(`{"cron":"0 3 * * *","at":"2026-01-02T02:04:05Z","message":{"a":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.event(2)
	if err != nil {
		t.Fatal(err)
	}
	if e.App != "shop" || e.Operation != "nightly" || e.Phase != hooks.Tick || e.Attempt != 2 || string(e.Message) != `{"a":1}` || !w.isTick() {
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
		"app":     {"other:1234", "shop:nightly", "{}"},
		"tick":    {id, "shop:nightly", "{}"},
		"payload": {id, "shop:nightly", "nothing"},
	} {
		if w, err := readWork(bad[0], bad[1], []byte(bad[2])); err == nil {
			t.Errorf("%s: got %+v", name, w)
		}
	}
}

// Everybody but asynq knows the tasks of orders by ids without their app.
func TestIDs(t *testing.T) {
	t.Parallel()
	for public, full := range map[string]string{
		"order-1": "shop:order-1", "shop:nightly:2026-01-02T02:04:05Z": "shop:nightly:2026-01-02T02:04:05Z", "other:x:y": "shop:other:x:y",
	} {
		if got := fullID("shop", public); got != full {
			t.Errorf("%s: %s, want %s", public, got, full)
		}
		if got := publicID("shop", full); got != public && public != "other:x:y" {
			t.Errorf("%s: %s, want %s", full, got, public)
		}
	}
}
