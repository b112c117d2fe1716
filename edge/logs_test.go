package edge

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func TestLogs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		request
		want hooks.LogFilter
	}{
		{request{target: "/v1/logs", status: 200, has: `[{"id":"r1"`}, hooks.LogFilter{App: "default", Limit: 100}},
		{request{target: "/v1/logs?hook=a&status=failed&id=e1&limit=7", status: 200},
			hooks.LogFilter{App: "default", Kind: hooks.KindHook, Name: "a", Status: hooks.StatusFailed, Event: "e1", Limit: 7}},
		{request{target: "/v1/logs?job=a&since=2026-01-02T15:04:05Z", status: 200},
			hooks.LogFilter{App: "default", Kind: hooks.KindJob, Name: "a", Limit: 100, Since: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)}},
		{request{target: "/v1/logs?kind=audit", status: 200}, hooks.LogFilter{App: "default", Kind: hooks.KindAudit, Limit: 100}},
		{request{target: "/v1/logs?kind=odd", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?hook=a&job=b", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?hook=a.b", status: 400, code: hooks.CodeBadName}, hooks.LogFilter{}},
		{request{target: "/v1/logs?status=odd", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?limit=0", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?limit=10001", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?since=-1h", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?since=yesterday", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
		{request{target: "/v1/logs?odd=1", status: 400, code: hooks.CodeBadRequest}, hooks.LogFilter{}},
	} {
		t.Run(c.target, func(t *testing.T) {
			t.Parallel()
			w := &world{records: []hooks.Record{{ID: "r1"}}}
			c.run(t, newServer(t, w, nil).Handler())
			if c.status == http.StatusOK && w.filter != c.want {
				t.Errorf("filter %+v\nwant   %+v", w.filter, c.want)
			}
		})
	}
}

func TestInstant(t *testing.T) {
	t.Parallel()
	now := time.Now()
	if got, err := instant("90m", now); err != nil || !got.Equal(now.Add(-90*time.Minute)) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestStream follows the log over a real connection: records, signs of life, and an end when the server stops.
func TestStream(t *testing.T) {
	t.Parallel()
	w := &world{tail: make(chan hooks.Record)}
	s := newServer(t, w, nil)
	s.timing.heartbeat, s.timing.drain = 20*time.Millisecond, time.Millisecond
	url, stop, ended := listen(t, s)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/logs/stream?hook=a", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", adminKey)
	answer, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s %v", answer.Status, answer.Header)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func(want string) string {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), want) {
				return lines.Text()
			}
		}
		t.Fatalf("the stream ended without %q: %v", want, lines.Err())
		return ""
	}
	next(": from here on")
	w.tail <- hooks.Record{ID: "r0", App: "default", Kind: hooks.KindHook, Name: "other"}
	w.tail <- hooks.Record{ID: "r1\n", App: "default", Kind: hooks.KindHook, Name: "a", End: "two\nlines"}
	next("id: r1")
	var record hooks.Record
	if err := json.Unmarshal([]byte(strings.TrimPrefix(next("data: "), "data: ")), &record); err != nil || record.End != "two\nlines" {
		t.Errorf("%+v, %v", record, err)
	}
	next(":") // a sign of life
	stop()
	for lines.Scan() {
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, &world{}, nil)
	for range maxStreams {
		s.streams <- struct{}{}
	}
	q := request{target: "/v1/logs/stream", status: 503, code: hooks.CodeOverloaded}
	q.run(t, s.Handler())
}

func TestStreamEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := newServer(t, &world{tail: make(chan hooks.Record)}, nil)
	url, _, _ := listen(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v1/logs/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", adminKey)
	answer, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	answer.Body.Close()
	for range maxStreams { // all places are free again, soon
		select {
		case s.streams <- struct{}{}:
		case <-time.After(10 * time.Second):
			t.Fatal("the stream has outlived its client")
		}
	}
}
