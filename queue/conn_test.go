package queue

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

func TestConnectUnreachable(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, err = Connect(t.Context(), Config{URL: "nats://user:secret@" + addr})
	if err == nil || !strings.Contains(err.Error(), addr) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"URL":     {Config{URL: "nats://user:secret@[::1"}, "NATS URL 1"},
		"second":  {Config{URL: "nats://127.0.0.1:1,nats://:secret"}, "NATS URL 2"},
		"prefix":  {Config{URL: shared, Prefix: "a.b"}, "prefix"},
		"capital": {Config{URL: shared, Prefix: "Gaff"}, "lower-case"},
		"creds":   {Config{URL: shared, Creds: "missing.creds"}, "missing.creds"},
	} {
		_, err := Connect(t.Context(), test.config)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(ended, Config{URL: shared}); err == nil {
		t.Error("connected for a caller that is gone")
	}
}

func TestConnectNeedsJetStream(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if _, err := Connect(t.Context(), Config{URL: s.ClientURL()}); err == nil || !strings.Contains(err.Error(), "JetStream") {
		t.Errorf("%v", err)
	}
}

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for version, ok := range map[string]bool{
		"2.11.0": true, "2.10.9": false, "2.15.2": true, "3.0.0-beta": true, "2.9.25": false, "1.4.1": false, "": false, "x.y": false,
	} {
		if err := checkVersion(version); (err == nil) != ok {
			t.Errorf("%q: %v", version, err)
		}
	}
}

// Several processes may prepare the same server at once, and one later that has other limits.
func TestConnectAtOnce(t *testing.T) {
	t.Parallel()
	prefix := newPrefix()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			c, err := Connect(t.Context(), Config{URL: shared, Prefix: prefix, LogMaxBytes: 64 << 20})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	}
	wg.Wait()
	c := connect(t, Config{Prefix: prefix, LogMaxBytes: 32 << 20})
	stream, err := c.js.Stream(t.Context(), strings.ToUpper(prefix)+"_LOG")
	if err != nil || stream.CachedInfo().Config.MaxBytes != 32<<20 {
		t.Errorf("%v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServerPortInUse(t *testing.T) {
	t.Parallel()
	addr := strings.TrimPrefix(shared, "nats://")
	_, err := StartServer(ServerConfig{Addr: addr, Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "in use") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]ServerConfig{
		"no port":   {Addr: "127.0.0.1", Dir: t.TempDir()},
		"bad port":  {Addr: "127.0.0.1:nats", Dir: t.TempDir()},
		"no folder": {Addr: "127.0.0.1:0"},
		"a file":    {Addr: "127.0.0.1:0", Dir: file},
		"no conf":   {Conf: file + ".conf"},
	} {
		if s, err := StartServer(c); err == nil {
			s.Shutdown()
			t.Errorf("%s: started", name)
		}
	}
}

func TestServerConf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nats.conf")
	text := "port: -1\nhost: 127.0.0.1\nmax_payload: 2MB\njetstream { store_dir: \"" + dir + "\", sync_interval: always }\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	s, err := StartServer(ServerConfig{Conf: conf, Log: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, Config{URL: s.URL()})
	if c.nc.MaxPayload() != 2<<20 {
		t.Errorf("max_payload %d", c.nc.MaxPayload())
	}
	c.Close()
	s.Shutdown()
	if out.Len() > 0 {
		t.Errorf("logged: %s", out.String())
	}
}
