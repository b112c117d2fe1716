package tasks

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"
)

func TestParseRedis(t *testing.T) {
	t.Parallel()
	for rawURL, want := range map[string]string{
		"redis://localhost":                 "localhost:6379 0   false",
		"redis://localhost:7000/":           "localhost:7000 0   false",
		"redis://:pass@10.0.0.1:7000/3":     "10.0.0.1:7000 3  pass false",
		"rediss://me:p%40ss@example.com/1":  "example.com:6379 1 me p@ss true",
		"redis://[::1]:6380":                "[::1]:6380 0   false",
		"redis://me:secret@localhost/first": "error: Redis URL redis://me:xxxxx@localhost/first: the database must be a number",
		"redis://me:secret@localhost/-1":    "error: Redis URL redis://me:xxxxx@localhost/-1: the database must be a number",
		"http://me:secret@localhost":        "error: Redis URL http://me:xxxxx@localhost: use redis://host:port or rediss://host:port",
		"redis://":                          "error: Redis URL redis:: use redis://host:port or rediss://host:port",
		"redis://me:sec ret@localhost":      "error: the Redis URL is not a URL such as redis://127.0.0.1:6379",
	} {
		r, err := ParseRedis(rawURL, "gaff")
		got := strings.Join([]string{r.opt.Addr, string(rune('0' + r.opt.DB)), r.opt.Username, r.opt.Password,
			map[bool]string{true: "true", false: "false"}[r.opt.TLSConfig != nil]}, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", rawURL, got, want)
		}
	}
	if _, err := ParseRedis("redis://localhost", ""); err == nil {
		t.Error("an empty prefix is accepted")
	}
}

func TestPingUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	r, err := ParseRedis("redis://me:secret@"+addr, "gaff")
	if err != nil {
		t.Fatal(err)
	}
	err = r.Ping(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), "Redis at "+addr+" does not answer: ") ||
		strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// A server that takes connections and says nothing holds nobody up past the deadline.
func TestPingObeysItsContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	r, err := ParseRedis("redis://"+l.Addr().String(), "gaff")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := r.Ping(ctx); err == nil || time.Since(begin) > 2*time.Second {
		t.Errorf("after %v: %v", time.Since(begin), err)
	}
}
