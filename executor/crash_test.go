package executor_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
	"gaff/queue"
)

const innocent = "function beforePOST(req, res) { res.end({data: {n: req.body.n}}); }\n"

// A hook that ends its executor three times is quarantined, with an alert, and enabling it lifts that.
func TestCrashQuarantineEnable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, map[string]string{
		"gaff.yaml": "hooks:\n  - {service: bad, script: hooks/bad.js}\n  - {service: good, script: hooks/good.js}\n" +
			"  - {service: soft, script: hooks/soft.js, onError: ignore}\n  - {service: soft, name: after, order: 1, script: hooks/good.js}\n",
		"hooks/bad.js":  bomb,
		"hooks/soft.js": bomb,
		"hooks/good.js": innocent,
	}, "GAFF_EXECUTORS=2", "GAFF_MEMORY_LIMIT=128MiB")
	good := func() {
		t.Helper()
		if v, _ := w.ask("good", `{"n":1}`, 0); v.Stopped() || string(v.Message) != `{"n":1}` {
			t.Errorf("good: %+v", v.Error)
		}
	}
	for i := range 4 {
		v, took := w.ask("bad", `{}`, 20*time.Second)
		if v.Error == nil || v.Error.Code != hooks.CodeHookCrashed || v.Error.Hook != "bad.beforePOST" {
			t.Fatalf("%d: %+v", i, v.Error)
		}
		if quarantined := strings.Contains(v.Error.Message, "quarantined"); i == 3 && !quarantined || i < 2 && quarantined {
			t.Errorf("%d: %s", i, v.Error.Message)
		}
		t.Logf("%d: %s after %v", i, v.Error.Message, took)
		good()
	}
	// The policy of a hook decides what its crash means.
	if v, _ := w.ask("soft", `{"n":2}`, 20*time.Second); v.Stopped() || string(v.Message) != `{"n":2}` || len(v.Warnings) != 1 ||
		!strings.Contains(v.Warnings[0], "HOOK_CRASHED") {
		t.Errorf("%+v %v", v.Error, v.Warnings)
	}
	w.awaitRecords(hooks.LogFilter{App: "default", Kind: hooks.KindAlert, Name: "bad"}, 1)
	crashed := w.awaitRecords(hooks.LogFilter{App: "default", Kind: hooks.KindHook, Name: "bad", Status: hooks.StatusCrashed}, 3)
	if e := crashed[0].Error; e == nil || e.Code != hooks.CodeHookCrashed {
		b, _ := json.Marshal(crashed[0])
		t.Errorf("%s", b)
	}

	enable := func(s *hooks.State) error { s.EnableHook("bad", true); return nil }
	if _, err := w.releases.SetState(t.Context(), "default", 0, enable); err != nil {
		t.Fatal(err)
	}
	w.await("the hook runs again", func() bool {
		v, _ := w.ask("bad", `{}`, 20*time.Second)
		return v.Error != nil && v.Error.Code == hooks.CodeHookCrashed && !strings.Contains(v.Error.Message, "quarantined")
	})
	good()
}

// bomb is what no guard within the process can stop.
const bomb = "function beforePOST(req, res) { new Uint8Array(Math.pow(2, 33)); res.end(); }\n"

// awaitRecords waits until the log has n records that the filter selects, and returns them.
func (w *world) awaitRecords(f hooks.LogFilter, n int) (records []hooks.Record) {
	w.t.Helper()
	w.awaitEvery(200*time.Millisecond, "records", func() bool {
		var err error
		if records, err = queue.Logs(w.t.Context(), w.conn, f); err != nil {
			w.t.Fatal(err)
		}
		return len(records) >= n
	})
	if len(records) != n {
		w.t.Errorf("%d records, want %d", len(records), n)
	}
	return records
}
