package queue

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// expectFindings checks that exactly those fail whose names are in wrong, each with its text.
func expectFindings(t *testing.T, findings []hooks.Finding, wrong map[string]string) {
	t.Helper()
	seen := map[string]bool{}
	for _, f := range findings {
		seen[f.Name] = true
		text, expected := wrong[f.Name]
		if f.OK == expected || !strings.Contains(f.Detail, text) {
			t.Errorf("%+v, want %q", f, text)
		}
	}
	for name := range wrong {
		if !seen[name] {
			t.Errorf("nothing is said of %s: %+v", name, findings)
		}
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{Embedded: true})
	findings := c.Doctor(t.Context())
	expectFindings(t, findings, nil)
	var names []string
	for _, f := range findings {
		names = append(names, strings.TrimPrefix(f.Name, "NATS "))
	}
	if got, want := strings.Join(names, " "), "version JetStream max_payload streams replicas clock publishing consuming sync"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	info, err := c.js.AccountInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stream, err := c.js.Stream(t.Context(), c.eventStream())
	if err != nil {
		t.Fatal(err)
	}
	if state := stream.CachedInfo().State; state.Msgs != 0 || state.Consumers != 0 {
		t.Errorf("the doctor left something behind: %+v %+v", state, info)
	}
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nats.conf")
	text := fmt.Sprintf(`port: -1
host: 127.0.0.1
max_payload: 1MB
jetstream { store_dir: %q }
authorization { users: [{ user: gaff, password: secret, permissions {
  publish { deny: ["*.event.doctor.>", "$JS.API.CONSUMER.CREATE.>"] }
} }] }
`, dir)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := StartServer(ServerConfig{Conf: conf})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Shutdown()
	c := connect(t, Config{URL: strings.Replace(s.URL(), "nats://", "nats://gaff:secret@", 1)})
	defer c.Close()
	bucket := "KV_" + c.kept("KEYS")
	if err := c.js.DeleteStream(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	if _, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: bucket, Storage: jetstream.MemoryStorage}); err != nil {
		t.Fatal(err)
	}
	c.config.Replicas = 3
	expectFindings(t, c.Doctor(t.Context()), map[string]string{
		"NATS max_payload": "max_payload: 8MB", "NATS streams": "memory, and gone with the server: " + bucket,
		"NATS replicas": c.eventStream() + " has 1 of 3", "NATS publishing": "may publish", "NATS consuming": "$JS.API",
	})
}

func TestDoctorWithoutServer(t *testing.T) {
	t.Parallel()
	s, _ := startServer(t)
	c := connect(t, Config{URL: s.URL()})
	s.Shutdown()
	await(t, "the connection is lost", func() bool { return !c.nc.IsConnected() })
	expectFindings(t, c.Doctor(t.Context()), map[string]string{"NATS server": "does not answer"})
}

func TestVersionFinding(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]hooks.Finding{
		"2.15.2": {Name: "NATS version", OK: true, Detail: "2.15.2"},
		"2.11.1": {Name: "NATS version", OK: true, Detail: "warning: 2.11.1; with 2.12 or later the log costs far less"},
		"2.9.0":  {Name: "NATS version", Detail: "the server's version is 2.9.0; 2.11 or later is needed"},
	} {
		if got := versionFinding(version); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// A log that was made with a sync for each record keeps it, and one that is written behind cannot be replicated.
func TestLogPersistenceStays(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	mode := func(c *Conn) jetstream.PersistModeType {
		t.Helper()
		stream, err := c.js.Stream(t.Context(), c.logStream())
		if err != nil {
			t.Fatal(err)
		}
		return stream.CachedInfo().Config.PersistMode
	}
	if got := mode(c); got != jetstream.AsyncPersistMode {
		t.Errorf("a new log is persisted in mode %v", got)
	}
	_, err := Connect(t.Context(), Config{URL: shared, Prefix: c.config.Prefix, Replicas: 3})
	if err == nil || !strings.Contains(err.Error(), "replica") {
		t.Errorf("replicated a log that is written behind: %v", err)
	}
	if err := c.js.DeleteStream(t.Context(), c.logStream()); err != nil {
		t.Fatal(err)
	}
	old := c.streams()[1]
	old.PersistMode = jetstream.DefaultPersistMode
	if _, err := c.js.CreateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if got := mode(connect(t, Config{Prefix: c.config.Prefix})); got != jetstream.DefaultPersistMode {
		t.Errorf("a log from before is persisted in mode %v", got)
	}
}
