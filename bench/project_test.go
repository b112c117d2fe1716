package bench

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gaff/hooks"
	"gaff/queue"
)

// startGate starts a worker, told more by env, with hook registered for customer, and returns a gate to it.
func startGate(b *testing.B, url string, env ...string) *queue.Gate {
	b.Helper()
	gate, releases := newGate(b, url)
	apply(b, releases)
	startRole(b, "worker", append(env,
		"GAFF_NATS_URL="+url, "GAFF_REDIS_URL="+redisURL(b), "GAFF_SQLITE_PATH="+filepath.Join(b.TempDir(), "d.db"))...)
	return gate
}

func apply(b *testing.B, releases *queue.Releases) {
	b.Helper()
	applyProject(b, releases, map[string]string{
		hooks.ProjectFile: "hooks:\n  - {service: customer, script: hooks/customer.js}\n", "hooks/customer.js": hook,
	})
}

func applyProject(b *testing.B, releases *queue.Releases, files map[string]string) {
	b.Helper()
	release, err := hooks.LoadProject(files)
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := releases.Apply(b.Context(), release, hooks.ApplyOptions{}); err != nil {
		b.Fatal(err)
	}
}

func newEvent() *hooks.Event {
	return &hooks.Event{
		App: "default", Service: "customer", Operation: "POST", Phase: hooks.Before,
		Payload: hooks.Payload{Message: []byte(payload)},
	}
}

func redisURL(b *testing.B) string {
	b.Helper()
	url := os.Getenv("GAFF_TEST_REDIS_URL")
	if url == "" {
		b.Fatal("GAFF_TEST_REDIS_URL is not set: run ./test, which starts the servers, with the benchmark as arguments")
	}
	return url
}

// BenchmarkHookedCreate measures one create over HTTP whose before hook validates and derives: client, NATS, worker and
// enqueuer are processes. Every create is committed with its after-event.
func BenchmarkHookedCreate(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		benchmarkCreate(b, "GAFF_SQLITE_PATH="+filepath.Join(b.TempDir(), "d.db"))
	})
	b.Run("postgres", func(b *testing.B) {
		url := os.Getenv("GAFF_TEST_POSTGRES_URL")
		if url == "" {
			b.Fatal("GAFF_TEST_POSTGRES_URL is not set: run ./test, which starts the servers, with the benchmark as arguments")
		}
		benchmarkCreate(b, "GAFF_POSTGRES_URL="+url)
	})
}

func benchmarkCreate(b *testing.B, store string) {
	url := startNATS(b)
	key := filepath.Join(b.TempDir(), "key")
	if err := os.WriteFile(key, []byte("benchmark-key-0123456789"), 0o600); err != nil {
		b.Fatal(err)
	}
	address := freeAddress(b)
	common := []string{"GAFF_NATS_URL=" + url, "GAFF_REDIS_URL=" + redisURL(b), store}
	conn, err := queue.Connect(b.Context(), queue.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	apply(b, queue.NewReleases(conn))
	startRole(b, "worker", common...)
	startRole(b, "enqueuer", append(common, "GAFF_ADMIN_KEY_FILE="+key, "GAFF_HTTP="+address)...)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	post := func() (int, error) {
		req, err := http.NewRequest("POST", "http://"+address+"/rest/customer", strings.NewReader(payload))
		if err != nil {
			return 0, err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Apikey", "benchmark-key-0123456789")
		resp, err := client.Do(req)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	await(b, func() bool { status, err := post(); return err == nil && status == http.StatusCreated })
	for _, n := range []int{1, 32} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			rate(b, n, func() error {
				status, err := post()
				if err == nil && status != http.StatusCreated {
					err = &statusError{status}
				}
				return err
			})
		})
	}
}

type statusError struct{ status int }

func (e *statusError) Error() string { return http.StatusText(e.status) }

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
