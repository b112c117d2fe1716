package tasks

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

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
	r, err := ParseRedis(redisURLs(t)["redis"], fmt.Sprintf("doctor%d", rand.Uint64()))
	if err != nil {
		t.Fatal(err)
	}
	findings := r.Doctor(t.Context())
	expectFindings(t, findings, nil)
	if len(findings) != 5 {
		t.Errorf("%+v", findings)
	}
	client := r.impatient()
	defer client.Close()
	if left := client.Keys(t.Context(), "*"+r.prefix+"*").Val(); len(left) > 0 {
		t.Errorf("the doctor left %v", left)
	}
}

// startRedis starts a Redis of the test's own, without the configuration that operators get.
func startRedis(t *testing.T) Redis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	l.Close()
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
	})
	r, err := ParseRedis("redis://127.0.0.1:"+port, "gaff")
	if err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); r.Ping(t.Context()) != nil; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("redis-server does not answer")
		}
	}
	return r
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	client := r.impatient()
	defer client.Close()
	for _, command := range [][]any{
		{"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"},
		{"ACL", "SETUSER", "default", "-set"},
	} {
		if err := client.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	expectFindings(t, r.Doctor(t.Context()), map[string]string{
		"Redis eviction": "maxmemory-policy is allkeys-lru", "Redis durability": "appendonly is no", "Redis permissions": "NOPERM",
	})
}

func TestDoctorWithoutServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	r, err := ParseRedis("redis://me:secret@"+l.Addr().String(), "gaff")
	if err != nil {
		t.Fatal(err)
	}
	findings := r.Doctor(t.Context())
	expectFindings(t, findings, map[string]string{"Redis server": "refused"})
	if strings.Contains(findings[0].Detail, "secret") {
		t.Error(findings)
	}
}

func TestFindingsOfInfo(t *testing.T) {
	t.Parallel()
	info := parseInfo("# Server\r\nredis_version:6.2.1\r\naof_enabled:1\r\naof_last_write_status:err\r\n")
	for _, c := range []struct {
		got hooks.Finding
		ok  bool
		has string
	}{
		{versionFinding(info), true, "warning: 6.2.1"},
		{versionFinding(map[string]string{"redis_version": "3.2.0"}), false, "4 or later"},
		{versionFinding(nil), false, "cannot be read"},
		{durabilityFinding(info, "always"), false, "cannot be written"},
		{durabilityFinding(map[string]string{"aof_enabled": "1"}, "everysec"), true, "warning: appendonly, appendfsync everysec"},
		{durabilityFinding(map[string]string{"aof_enabled": "1"}, ""), true, "does not let clients see"},
	} {
		if c.got.OK != c.ok || !strings.Contains(c.got.Detail, c.has) {
			t.Errorf("%+v, want %v %q", c.got, c.ok, c.has)
		}
	}
}
