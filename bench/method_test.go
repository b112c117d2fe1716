package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"gaff/hooks"
	"gaff/queue"
)

const (
	topUsers = "return redis.call('ZREVRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)"
	findUser = "select id, name from bench_users where id = $1"
)

// BenchmarkMethod measures calls of registered methods over HTTP (client, enqueuer, NATS and worker are processes) beside
// a plain Go HTTP handler in a process of its own that makes the same call with the same driver. of-direct is the ratio
// of calls per second; p99-ms is of the calls' times.
func BenchmarkMethod(b *testing.B) {
	postgres := os.Getenv("GAFF_TEST_POSTGRES_URL")
	if postgres == "" {
		b.Fatal("GAFF_TEST_POSTGRES_URL is not set: run ./test, which starts the servers, with the benchmark as arguments")
	}
	prepareData(b, postgres)
	direct, address := freeAddress(b), freeAddress(b)
	startRole(b, "direct", "BENCH_HTTP="+direct, "BENCH_REDIS="+redisURL(b), "BENCH_POSTGRES="+postgres)
	startMethods(b, address, postgres)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	post := func(url, body string) func() error {
		return func() error { return postOnce(client, url, body) }
	}
	for _, c := range []struct{ name, path, body string }{
		{"lua", "/redis", `{"service":"redis","method":"topUsers","payload":{"keys":["bench:board"],"args":[10]}}`},
		{"sql", "/postgres", `{"service":"postgres","method":"findUser","payload":{"params":[7]}}`},
	} {
		plain, gaff := post("http://"+direct+c.path, ""), post("http://"+address+"/rpc", c.body)
		await(b, func() bool { return plain() == nil })
		await(b, func() bool { return gaff() == nil })
		for _, n := range []int{1, 16, 64} {
			var base float64
			b.Run(fmt.Sprintf("%s/direct/%d", c.name, n), func(b *testing.B) { base = timed(b, n, plain) })
			b.Run(fmt.Sprintf("%s/method/%d", c.name, n), func(b *testing.B) {
				calls := timed(b, n, gaff)
				b.ReportMetric(calls/base, "of-direct")
			})
		}
	}
}

// timed is rate that also reports the time that one call in a hundred exceeds.
func timed(b *testing.B, n int, call func() error) float64 {
	var mu sync.Mutex
	took := make([]time.Duration, 0, b.N)
	perSecond := rate(b, n, func() error {
		began := time.Now()
		err := call()
		mu.Lock()
		took = append(took, time.Since(began))
		mu.Unlock()
		return err
	})
	slices.Sort(took)
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
	return perSecond
}

func postOnce(client *http.Client, url, body string) error {
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Apikey", "benchmark-key-0123456789")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), "7")) {
		err = fmt.Errorf("%d %s", resp.StatusCode, answer)
	}
	return err
}

func prepareData(b *testing.B, postgres string) {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), postgres)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	for _, sql := range []string{
		"drop table if exists bench_users", "create table bench_users (id int8 primary key, name text)",
		"insert into bench_users select n, 'user ' || n from generate_series(1, 1000) n",
	} {
		if _, err := pool.Exec(b.Context(), sql); err != nil {
			b.Fatal(err)
		}
	}
	options, err := redis.ParseURL(redisURL(b))
	if err != nil {
		b.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	for i := range 1000 {
		client.ZAdd(b.Context(), "bench:board", redis.Z{Score: float64(i), Member: fmt.Sprintf("user7:%d", i)})
	}
}

// startMethods starts a worker and an enqueuer that serves methods at an address.
func startMethods(b *testing.B, address, postgres string) {
	b.Helper()
	url := startNATS(b)
	key := filepath.Join(b.TempDir(), "key")
	if err := os.WriteFile(key, []byte("benchmark-key-0123456789"), 0o600); err != nil {
		b.Fatal(err)
	}
	conn, err := queue.Connect(b.Context(), queue.Config{URL: url})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(conn.Close)
	release, err := hooks.LoadProject(map[string]string{
		hooks.ProjectFile: "methods:\n  - {service: redis, name: topUsers, script: top.lua}\n  - {service: postgres, name: findUser, script: find.sql}\n",
		"top.lua":         topUsers, "find.sql": findUser,
	})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := queue.NewReleases(conn).Apply(b.Context(), release, hooks.ApplyOptions{}); err != nil {
		b.Fatal(err)
	}
	env := []string{"GAFF_NATS_URL=" + url, "GAFF_REDIS_URL=" + redisURL(b), "GAFF_POSTGRES_URL=" + postgres}
	startRole(b, "worker", append(env, "GAFF_SERVICE_REDIS="+redisURL(b), "GAFF_SERVICE_POSTGRES="+postgres)...)
	startRole(b, "enqueuer", append(env, "GAFF_ADMIN_KEY_FILE="+key, "GAFF_HTTP="+address)...)
}

// serveDirect is the plain handler.
func serveDirect(ctx context.Context) int {
	options, err := redis.ParseURL(os.Getenv("BENCH_REDIS"))
	if err != nil {
		return 1
	}
	options.PoolSize = 64
	client := redis.NewClient(options)
	pool, err := pgxpool.New(ctx, os.Getenv("BENCH_POSTGRES")+"&pool_max_conns=16")
	if err != nil {
		return 1
	}
	script := redis.NewScript(topUsers)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /redis", func(w http.ResponseWriter, r *http.Request) {
		top, err := script.Run(r.Context(), client, []string{"bench:board"}, 10).StringSlice()
		answer(w, top, err)
	})
	mux.HandleFunc("POST /postgres", func(w http.ResponseWriter, r *http.Request) {
		var user struct {
			ID   int64  `json:"id"`
			Name string `json:"name"`
		}
		err := pool.QueryRow(r.Context(), findUser, 7).Scan(&user.ID, &user.Name)
		answer(w, user, err)
	})
	server := &http.Server{Addr: os.Getenv("BENCH_HTTP"), Handler: mux}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	server.ListenAndServe()
	return 0
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"ok": true, "result": v})
}
