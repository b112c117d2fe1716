package edge

import (
	"context"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// deadOf is a world's dead letters.
type deadOf struct{ *world }

func (d deadOf) Dead(_ context.Context, f hooks.DeadFilter) ([]hooks.DeadLetter, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []hooks.DeadLetter
	for i := range d.letters {
		if f.Match(&d.letters[i], "e1") {
			list = append(list, d.letters[i])
		}
	}
	return list, nil
}

func (d deadOf) ReplayDead(ctx context.Context, f hooks.DeadFilter, perSecond int) (hooks.Replayed, error) {
	list, err := d.Dead(ctx, f)
	return hooks.Replayed{Found: len(list), Replayed: len(list), Duplicate: perSecond}, err
}

func (d deadOf) DropDead(ctx context.Context, f hooks.DeadFilter) (int, error) {
	list, err := d.Dead(ctx, f)
	return len(list), err
}

func (w *world) replay(_ context.Context, f hooks.ReplayFilter, _ int, dry bool) (hooks.Replayed, error) {
	if f.Hook != "customer" {
		return hooks.Replayed{}, hooks.Errorf(hooks.CodeHookNotFound, "hook %s is not registered", f.Hook)
	}
	r := hooks.Replayed{Found: 3, Next: f.After + 3}
	if !dry {
		r.Replayed = 3
	}
	return r, nil
}

func deadWorld() *world {
	w := registeredWorld()
	w.letters = []hooks.DeadLetter{{
		Work: hooks.Work{
			ID: "5f0c", App: shop, Hook: "notify", Function: "afterPOST",
			Event:    []byte(`{"service":"customer","operation":"POST","phase":"after","id":"e1","message":{"n":1},"headers":{"authorization":"Bearer x"}}`),
			Attempts: []hooks.Attempt{{Attempt: 1, Error: &hooks.RecordError{Code: "HOOK_ERROR", Message: "boom"}}},
		},
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Error: &hooks.RecordError{Code: "HOOK_ERROR", Message: "boom"},
	}}
	return w
}

func TestDead(t *testing.T) {
	t.Parallel()
	s := newServer(t, deadWorld(), nil)
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/v1/dead", "", 200, `"event":{"id":"e1","operation":"POST","phase":"after","service":"customer"}`},
		{"GET", "/v1/dead?hook=notify&error=BOOM&since=2026-01-01T00:00:00Z", "", 200, `"id":"5f0c"`},
		{"GET", "/v1/dead?hook=other", "", 200, `[]`},
		{"GET", "/v1/dead?since=soon", "", 400, "since"},
		{"GET", "/v1/dead?limit=0", "", 400, "limit"},
		{"GET", "/v1/dead/5f0c", "", 200, `"authorization":"***"`},
		{"GET", "/v1/dead/none", "", 404, "NOT_FOUND"},
		{"DELETE", "/v1/dead/5f0c", "", 204, ""},
		{"DELETE", "/v1/dead/none", "", 404, "NOT_FOUND"},
		{"POST", "/v1/dead/replay", `{"id":"5f0c","rate":7}`, 200, `"found":1,"replayed":1,"duplicate":7`},
		{"POST", "/v1/dead/replay", `{"id":"none"}`, 404, "NOT_FOUND"},
		{"POST", "/v1/dead/replay", `{}`, 400, "say which"},
		{"POST", "/v1/dead/drop", `{}`, 400, "say which"},
		{"POST", "/v1/dead/drop", `{"all":true}`, 200, `"dropped":1`},
		{"POST", "/v1/dead/drop", `{"id":"none"}`, 404, "NOT_FOUND"},
		{"POST", "/v1/replay", `{"hook":"customer"}`, 400, "since when"},
		{"POST", "/v1/replay", `{"hook":"customer","since":"2h","dryRun":true}`, 200, `"found":3,"replayed":0`},
		{"POST", "/v1/replay", `{"hook":"nobody","since":"2h"}`, 404, "HOOK_NOT_FOUND"},
		{"POST", "/v1/pause", "", 200, `"paused":true`},
		{"POST", "/v1/resume", "", 200, `"paused":false`},
	} {
		q := request{
			method: c.method, target: c.path, body: c.body, status: c.status, has: c.says,
			header: map[string]string{"Gaff-App": shop},
		}
		if a := q.run(t, s.handler); strings.Contains(a.Body.String(), "Bearer x") {
			t.Errorf("%s %s shows the caller's credentials", c.method, c.path)
		}
	}
}
