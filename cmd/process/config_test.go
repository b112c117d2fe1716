package process_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"gaff/cmd/process"
)

// file returns the path of a new file with the text.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadConfigDefaults(t *testing.T) {
	t.Parallel()
	// The variables of the command line tool, and everybody else's, may stand in the same environment.
	environ := []string{"GAFF_SQLITE_PATH=gaff.db", "GAFF_URL=http://x", "GAFF_KEY=k", "GAFF_KEY_FILE=k", "HOME=/"}
	c, err := process.LoadConfig("worker", nil, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := process.Config{
		Executors: runtime.GOMAXPROCS(0),
		NATSURL:   "nats://127.0.0.1:4222", RedisURL: "redis://127.0.0.1:6379", SQLitePath: "gaff.db",
		Concurrency: process.DefaultConcurrency, MemoryLimit: 512 << 20, Prefix: "gaff", LogLevel: "info", LogFormat: "text",
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	environ := []string{
		"GAFF_NATS_URL_FILE=" + file(t, " nats://user:pass@nats:4222\n"), "GAFF_POSTGRES_URL=postgres://db/gaff", "GAFF_HTTP=0.0.0.0:8090",
		"GAFF_ADMIN_KEY_FILE=" + file(t, "an-admin-key-of-the-tests\n"), "GAFF_SECRETS_KEY_FILE=" + file(t, strings.Repeat("0f", 32)),
		"GAFF_EXECUTORS=0", "GAFF_CONCURRENCY=7", "GAFF_MEMORY_LIMIT=64MiB", "GAFF_PREFIX=other", "GAFF_LOG_LEVEL=debug",
		"GAFF_LOG_FORMAT=json", "GAFF_KEEP_RELEASES=5", "GAFF_REPLICAS=3", "GAFF_EVENTS_MAX_AGE=168h", "GAFF_EVENTS_MAX_BYTES=10GiB",
		"GAFF_LOG_MAX_AGE=30d", "GAFF_LOG_MAX_BYTES=1GB", "GAFF_ALLOW_ADDRESSES=10.1.2.3/8, ::1", "GAFF_OUTGOING_CALLS=7",
		"GAFF_OUTGOING_SIZE=8MiB", "GAFF_OUTGOING_AT_ONCE=9",
	}
	args := []string{"--http", "127.0.0.1:1", "--concurrency=9", "--keep-releases", "6", "--check"}
	c, err := process.LoadConfig("worker", args, environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Vault == nil || c.VaultFile == "" {
		t.Error("no key of secrets")
	}
	c.Vault, c.VaultFile = nil, ""
	want := process.Config{
		NATSURL: "nats://user:pass@nats:4222", RedisURL: "redis://127.0.0.1:6379", PostgresURL: "postgres://db/gaff",
		HTTP: "127.0.0.1:1", AdminKey: "an-admin-key-of-the-tests", Concurrency: 9, MemoryLimit: 64 << 20, Prefix: "other",
		LogLevel: "debug", LogFormat: "json", KeepReleases: 6, Replicas: 3, EventsMaxAge: 7 * 24 * time.Hour, EventsMaxBytes: 10 << 30,
		LogMaxAge: 30 * 24 * time.Hour, LogMaxBytes: 1e9, Check: true,
		AllowAddresses: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")},
		OutgoingCalls:  7, OutgoingSize: 8 << 20, OutgoingAtOnce: 9,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestLoadConfigRefuses(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"GAFF_NATS=x":                       "GAFF_NATS is not a variable of Gaff",
		"GAFF_HTTP_FILE=x":                  "GAFF_HTTP_FILE is not a variable", // no secret
		"GAFF_EMBEDDED=1":                   "GAFF_EMBEDDED is not a variable",
		"GAFF_POSTGRES_URL=postgres://x":    "not both",
		"GAFF_SQLITE_PATH=":                 "GAFF_POSTGRES_URL or GAFF_SQLITE_PATH",
		"GAFF_NATS_URL_FILE=/nowhere":       "GAFF_NATS_URL_FILE: open /nowhere",
		"GAFF_REDIS_URL_FILE=/dev/null":     "is empty",
		"GAFF_ADMIN_KEY_FILE=/dev/null":     "is empty",
		"GAFF_SECRETS_KEY_FILE=/dev/null":   "is empty",
		"GAFF_EXECUTORS=257":                "from 0 (scripts",
		"GAFF_CONCURRENCY=0":                "at least 1",
		"GAFF_MEMORY_LIMIT=63MiB":           "at least 64MiB",
		"GAFF_MEMORY_LIMIT=much":            "at least 64MiB",
		"GAFF_PREFIX=a.b":                   "GAFF_PREFIX",
		"GAFF_LOG_LEVEL=loud":               "none of debug, info",
		"GAFF_LOG_FORMAT=xml":               "none of text, json",
		"GAFF_KEEP_RELEASES=0":              "from 1 to 1000",
		"GAFF_KEEP_RELEASES=1001":           "from 1 to 1000",
		"GAFF_REPLICAS=2":                   "none of 1, 3, 5",
		"GAFF_EVENTS_MAX_AGE=59m":           "from 1h to 3650d",
		"GAFF_EVENTS_MAX_AGE=7":             "from 1h to 3650d",
		"GAFF_LOG_MAX_AGE=3651d":            "from 1h to 3650d",
		"GAFF_LOG_MAX_AGE=-1d":              "from 1h to 3650d",
		"GAFF_LOG_MAX_AGE=99999999999999d":  "from 1h to 3650d",
		"GAFF_ALLOW_ADDRESSES=10.0.0.0/8,x": "not a range",
		"GAFF_ALLOW_ADDRESSES=fe80::1%eth0": "not a range",
		"GAFF_OUTGOING_CALLS=0":             "from 1 to 10000",
		"GAFF_OUTGOING_SIZE=65MiB":          "from 1KiB to 64MiB",
		"GAFF_OUTGOING_AT_ONCE=many":        "from 1 to 65536",
		"GAFF_EVENTS_MAX_BYTES=15MiB":       "from 16MiB to 1PiB",
		"GAFF_LOG_MAX_BYTES=2PiB":           "from 16MiB to 1PiB",
		"GAFF_LOG_MAX_BYTES=-1GiB":          "from 16MiB to 1PiB",
		"GAFF_LOG_MAX_BYTES=999999999999EB": "from 16MiB to 1PiB",
	} {
		_, err := process.LoadConfig("worker", nil, []string{"GAFF_SQLITE_PATH=gaff.db", entry}, nil)
		if !errors.Is(err, process.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", entry, err, want)
		}
	}
	short, noKey := file(t, "fifteen-letters"), file(t, "no key")
	for _, c := range []struct{ argument, want string }{
		{"--admin-key-file=" + short, "shorter than 16"}, {"--secrets-key-file=" + noKey, "32 bytes"},
		{"--replicas=4", "none of 1, 3, 5"}, {"--unknown", "unknown flag"}, {"word", "unexpected argument"},
	} {
		var out bytes.Buffer
		_, err := process.LoadConfig("worker", []string{c.argument}, []string{"GAFF_SQLITE_PATH=gaff.db"}, &out)
		if !errors.Is(err, process.ErrUsage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.argument, err, c.want)
		}
		if strings.Contains(err.Error(), "fifteen") || strings.Contains(err.Error(), "no key") {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
}

func TestLoadConfigHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if _, err := process.LoadConfig("worker", []string{"--help"}, nil, &out); !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("got %v", err)
	}
	for _, want := range []string{"--replicas", "GAFF_LOG_MAX_BYTES", "--check"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help lacks %s:\n%s", want, out.String())
		}
	}
}
