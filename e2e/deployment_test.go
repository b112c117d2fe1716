package e2e

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// deployment is a running Gaff, however it is put together.
type deployment struct {
	url, nats, key string
	prefix         string
	project        string // the folder that is applied
	client         *http.Client
	workers        []*program // of a cluster
	env            []string   // of its processes
	all            []*program
	change         func(t *testing.T, path, source string) // makes a file of the project live
}

func newClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}}
}

// copyProject returns a copy of the test project that the test may change.
func copyProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/project")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// startDev starts gaff dev on a project, with more flags, and waits for its ready line.
func startDev(t *testing.T, project string, flags ...string) *deployment {
	t.Helper()
	p := start(t, nil, "gaff", append([]string{"dev", project, "--http", "127.0.0.1:0", "--nats", "127.0.0.1:0"}, flags...)...)
	d := &deployment{prefix: "gaff", project: project, client: newClient(), all: []*program{p}}
	p.out.await(t, "ready", func(line string) bool { return strings.HasPrefix(line, "ready") })
	d.url = wordWith(p.out.await(t, "HTTP URL", func(line string) bool { return wordWith(line, "http://") != "" }), "http://")
	d.nats = wordWith(p.out.await(t, "NATS URL", func(line string) bool { return wordWith(line, "nats://") != "" }), "nats://")
	d.change = func(t *testing.T, path, source string) {
		t.Helper()
		writeFile(t, filepath.Join(project, path), source)
	}
	return d
}

func wordWith(line, prefix string) string {
	for _, word := range strings.Fields(line) {
		if strings.HasPrefix(word, prefix) {
			return word
		}
	}
	return ""
}

// startCluster starts an enqueuer and three workers on a NATS server, PostgreSQL and Redis, with the project applied.
// What extra says is added to their environment; a GAFF_SQLITE_PATH takes the place of PostgreSQL.
func startCluster(t *testing.T, project string, extra ...string) *deployment {
	t.Helper()
	keyFile, secretsFile := filepath.Join(t.TempDir(), "admin.key"), filepath.Join(t.TempDir(), "secrets.key")
	d := &deployment{
		nats: startNATS(t), key: rand.Text(), prefix: "t" + strings.ToLower(rand.Text()[:8]), project: project,
		client: newClient(),
	}
	writeFile(t, keyFile, d.key+"\n")
	writeFile(t, secretsFile, fmt.Sprintf("%x\n", sha256.Sum256([]byte(rand.Text()))))
	if !slices.ContainsFunc(extra, func(v string) bool { return strings.HasPrefix(v, "GAFF_SQLITE_PATH=") }) {
		extra = append([]string{"GAFF_POSTGRES_URL=" + newSchema(t)}, extra...)
	}
	d.env = append([]string{
		"GAFF_NATS_URL=" + d.nats, "GAFF_REDIS_URL=" + need(t, "GAFF_TEST_REDIS_URL"),
		"GAFF_ADMIN_KEY_FILE=" + keyFile, "GAFF_SECRETS_KEY_FILE=" + secretsFile, "GAFF_PREFIX=" + d.prefix, "GAFF_HTTP=127.0.0.1:0",
	}, extra...)
	enqueuer := start(t, d.env, "enqueuer")
	for range 3 {
		d.workers = append(d.workers, start(t, d.env, "worker"))
	}
	d.all = append(d.workers[:3:3], enqueuer)
	d.url = enqueuer.url(t)
	d.eventually(t, "GET", "/readyz", "", func(a answer) bool { return a.status == http.StatusOK })
	d.change = func(t *testing.T, path, source string) {
		t.Helper()
		writeFile(t, filepath.Join(project, path), source)
		d.apply(t)
	}
	d.apply(t)
	for _, p := range d.all {
		p.err.await(t, "process with the release", func(line string) bool { return strings.Contains(line, "release is live") })
	}
	return d
}

// url is where an enqueuer serves.
func (p *program) url(t *testing.T) string {
	t.Helper()
	line := p.err.await(t, "HTTP URL", func(line string) bool { return strings.Contains(line, "http://") })
	return "http://" + strings.Trim(line[strings.Index(line, "http://")+len("http://"):], "\"")
}

// subject is a NATS subject under the deployment's prefix.
func (d *deployment) subject(kind, rest string) string { return d.prefix + "." + kind + "." + rest }

func (d *deployment) apply(t *testing.T) {
	t.Helper()
	if _, stderr, exit := gaff(t, d, "apply", d.project); exit != 0 {
		t.Fatalf("gaff apply: exit %d\n%s", exit, stderr)
	}
}

func need(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run ./test, which starts the servers", name)
	}
	return value
}

// newSchema makes a PostgreSQL schema for this test and returns the URL that uses it.
func newSchema(t *testing.T) string {
	t.Helper()
	raw := need(t, "GAFF_TEST_POSTGRES_URL")
	conn, err := pgx.Connect(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	schema := "e2e_" + strings.ToLower(rand.Text())
	if _, err := conn.Exec(t.Context(), "create schema "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Exec(context.Background(), "drop schema "+schema+" cascade")
		conn.Close(context.Background())
	})
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}
