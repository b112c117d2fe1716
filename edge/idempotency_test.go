package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"gaff/hooks"
)

// A request with an Idempotency-Key is carried out once; those that come later get its answer.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	begun, goOn := make(chan struct{}), make(chan struct{})
	w := &world{do: func(_ context.Context, call hooks.CollectionCall) (hooks.Reply, error) {
		switch string(call.Body) {
		case `{"slow":1}`:
			close(begun)
			<-goOn
		case `{"fails":1}`:
			if n.Add(1) == 1 {
				return hooks.Reply{}, hooks.Errorf(hooks.CodeUnavailable, "not now")
			}
		case `{"refused":1}`:
			n.Add(1)
			return hooks.Reply{}, hooks.Errorf(hooks.CodeRejected, "no")
		}
		body := json.RawMessage(`{"n":` + strconv.FormatInt(n.Add(1), 10) + `}`)
		return hooks.Reply{Status: http.StatusCreated, Body: body, Release: 7}, nil
	}}
	s := newServer(t, w, func(c *Config) { c.Once = &hooks.Once{Marks: &hooks.MemoryKV{}} })
	post := func(key, body string, status int) (answer, id string, again bool) {
		t.Helper()
		q := request{method: "POST", target: "/rest/a", body: body, status: status, header: map[string]string{"Idempotency-Key": key}}
		a := q.run(t, s.handler)
		return a.Body.String(), a.Header().Get("X-Request-Id"), a.Header().Get("Idempotency-Replayed") == "true"
	}
	first, id, again := post("k1", `{"a":1}`, 201)
	if again {
		t.Error("the first is one that was given again")
	}
	second, sameID, again := post("k1", `{"a":1}`, 201)
	if second != first || id != sameID || !again {
		t.Errorf("%s %s, then %s %s, %v", first, id, second, sameID, again)
	}
	if other, _, again := post("k2", `{"a":1}`, 201); other == first || again {
		t.Errorf("another key: %s", other)
	}
	if answer, _, _ := post("k1", `{"a":2}`, 409); !strings.Contains(answer, "CONFLICT") {
		t.Errorf("another body: %s", answer)
	}
	n.Store(0)
	post("k3", `{"fails":1}`, 503)
	if _, _, again := post("k3", `{"fails":1}`, 201); again {
		t.Error("what failed on our side was not tried again")
	}
	n.Store(0)
	post("k4", `{"refused":1}`, 500)
	post("k5", strings.Repeat("x", 3), 400)
	if _, _, again := post("k5", strings.Repeat("x", 3), 400); !again {
		t.Error("what is the caller's fault was carried out again")
	}
	post(strings.Repeat("k", 256), `{}`, 400)
	post("ü", `{}`, 400)
	done := make(chan struct{})
	go func() {
		defer close(done)
		post("k6", `{"slow":1}`, 201)
	}()
	<-begun
	post("k6", `{"slow":1}`, 409)
	close(goOn)
	<-done
	post("k6", `{"slow":1}`, 201)
}

// A call that has come through too many hooks over HTTP is told deeper.
func TestDepthHeader(t *testing.T) {
	t.Parallel()
	w := &world{}
	s := newServer(t, w, nil)
	q := request{method: "POST", target: "/rest/a", body: `{}`, status: 200, header: map[string]string{"Gaff-Depth": "3"}}
	q.run(t, s.handler)
	if call := w.call(t); call.Depth != 3 {
		t.Errorf("depth %d", call.Depth)
	}
	for _, q := range []request{
		{method: "POST", target: "/rest/a", body: `{}`, status: 400, header: map[string]string{"Gaff-Depth": "-1"}},
		{method: "POST", target: "/v1/events", body: `{"service":"a","operation":"b","phase":"after"}`, status: 500, code: hooks.CodeHookError, header: map[string]string{"Gaff-Depth": "9"}},
	} {
		q.run(t, s.handler)
	}
}
