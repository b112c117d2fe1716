package edge

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	ok := func(context.Context) error { return nil }
	bad := func(context.Context) error { return errors.New("secret host is down") }
	for _, c := range []struct {
		request
		checks map[string]func(context.Context) error
	}{
		{request{name: "live", target: "/livez", status: 200, has: "live"}, map[string]func(context.Context) error{"NATS": bad}},
		{request{name: "ready", target: "/readyz", status: 200, has: "ready"}, map[string]func(context.Context) error{"NATS": ok}},
		{request{name: "not ready", target: "/readyz", status: 503, code: hooks.CodeUnavailable, has: "not ready: NATS, Redis"},
			map[string]func(context.Context) error{"NATS": bad, "Redis": bad, "documents": ok}},
		{request{name: "post", method: "POST", target: "/livez", status: 405, code: hooks.CodeBadRequest}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.keyless = true
			answer := c.run(t, newServer(t, &world{}, func(config *Config) { config.Checks = c.checks }).Handler())
			if strings.Contains(answer.Body.String(), "secret host") {
				t.Error("the answer tells what is for the log")
			}
		})
	}
}

// A process that serves no calls says how it is, and nothing else.
func TestHealthAlone(t *testing.T) {
	t.Parallel()
	bad := func(context.Context) error { return errors.New("down") }
	s := NewHealth(map[string]func(context.Context) error{"NATS": bad}, nil, nil)
	for _, q := range []request{
		{target: "/livez", status: 200, has: "live"},
		{target: "/readyz", status: 503, code: hooks.CodeUnavailable, has: "not ready: NATS"},
		{target: "/readyz", method: "HEAD", status: 503},
		{target: "/livez", method: "POST", status: 405, code: hooks.CodeBadRequest},
		{target: "/", status: 404, code: hooks.CodeNotFound},
		{target: "/v1/doctor", status: 404, code: hooks.CodeNotFound},
		{target: "/rest/customer", method: "POST", body: "{}", status: 404, code: hooks.CodeNotFound},
		{target: "//livez", status: 404, code: hooks.CodeNotFound},
	} {
		q.keyless = true
		q.run(t, s.Handler())
	}
	healthy := NewHealth(nil, nil, nil)
	url, stop, ended := listen(t, healthy)
	answer, body, err := send(t, client(t), "GET", url+"/readyz", "")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("%s %v", body, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestReadinessIsAskedOncePerMoment(t *testing.T) {
	t.Parallel()
	asked := 0
	s := newServer(t, &world{}, func(c *Config) {
		c.Checks = map[string]func(context.Context) error{"NATS": func(context.Context) error { asked++; return nil }}
	})
	for range 20 {
		s.ready.mu.Lock()
		s.ready.until = s.ready.until.Add(time.Hour) // the moment does not pass
		s.ready.mu.Unlock()
		if missing := s.ready.missing(); len(missing) > 0 {
			t.Fatal(missing)
		}
	}
	if asked > 2 {
		t.Errorf("asked %d times", asked)
	}
}
