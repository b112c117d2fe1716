package tasks

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

func TestParseRedis(t *testing.T) {
	t.Parallel()
	for rawURL, want := range map[string]string{
		"redis://localhost":                "localhost:6379 0",
		"redis://localhost:7000/":          "localhost:7000 0",
		"redis://:pass@10.0.0.1:7000/3":    "10.0.0.1:7000 3 password=pass",
		"rediss://me:p%40ss@example.com/1": "example.com:6379 1 user=me password=p@ss tls=example.com",
		"redis://[::1]:6380":               "[::1]:6380 0",
		"redis-sentinel://me:pass@a,b:1/2?master=main&sentinelUser=s&sentinelPassword=t": "a:26379,b:1 2 user=me password=pass master=main sentinel=s:t",
		"rediss-sentinel://a,[::1]:1?master=main":                                        "a:26379,[::1]:1 0 tls= master=main",
		"redis-cluster://:pass@a:1,b":                                                    "a:1,b:6379 0 password=pass cluster",
		"rediss-cluster://a":                                                             "a:6379 0 tls= cluster",
		"redis://me:secret@localhost/first":                                              "error: Redis URL redis://me:xxxxx@localhost/first: the database must be a number",
		"redis://me:secret@localhost/-1":                                                 "error: Redis URL redis://me:xxxxx@localhost/-1: the database must be a number",
		"http://me:secret@localhost":                                                     "error: Redis URL http://me:xxxxx@localhost: " + usage,
		"redis-socket:///tmp/x":                                                          "error: Redis URL redis-socket:///tmp/x: " + usage,
		"redis://":                                                                       "error: Redis URL redis:: " + usage,
		"redis-cluster://a,,b":                                                           "error: Redis URL redis-cluster://a,,b: " + usage,
		"redis://me:sec ret@localhost":                                                   "error: the Redis URL is not a URL such as redis://127.0.0.1:6379",
		"localhost:6379":                                                                 "error: the Redis URL is not a URL such as redis://127.0.0.1:6379",
		"redis://a,b":                                                                    "error: Redis URL redis://a,b: several hosts are those of redis-sentinel:// or redis-cluster://",
		"redis-sentinel://a,b?sentinelPassword=secret":                                   "error: Redis URL redis-sentinel://a,b: it must say which master the sentinels watch: ?master=NAME",
		"redis-cluster://a/1":                                                            "error: Redis URL redis-cluster://a/1: a cluster has no databases but 0",
		"redis://a?password=secret":                                                      "error: Redis URL redis://a: it has parameters that are not known",
	} {
		r, err := ParseRedis(rawURL, "gaff")
		got := describe(r.opt)
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

func describe(c connection) string {
	s := fmt.Sprintf("%s %d", strings.Join(c.Addrs, ","), c.DB)
	for _, part := range []struct{ name, value string }{{"user", c.Username}, {"password", c.Password}} {
		if part.value != "" {
			s += " " + part.name + "=" + part.value
		}
	}
	if c.TLSConfig != nil {
		s += " tls=" + c.TLSConfig.ServerName
	}
	if c.MasterName != "" {
		s += " master=" + c.MasterName
	}
	if c.SentinelUsername != "" {
		s += " sentinel=" + c.SentinelUsername + ":" + c.SentinelPassword
	}
	if c.IsClusterMode {
		s += " cluster"
	}
	return s
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
