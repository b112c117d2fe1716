// Package earthquakes_test runs the example the way its readers do.
package earthquakes_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestRecords(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("data/earthquakes.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for line := range bytes.Lines(raw) {
		var record struct {
			ID        string    `json:"_id"`
			Time      time.Time `json:"time"`
			Place     string    `json:"place"`
			Magnitude *float64  `json:"magnitude"`
		}
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if record.ID == "" || ids[record.ID] || record.Place == "" || record.Magnitude == nil || record.Time.Year() != 2018 {
			t.Errorf("not a record, or there twice: %s", line)
		}
		ids[record.ID] = true
	}
	if len(ids) != 1707 {
		t.Errorf("%d records, SOURCE.md says 1707", len(ids))
	}
}

// TestTour is the README's quick tour.
func TestTour(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gaff := filepath.Join(dir, "gaff")
	if out, err := exec.Command("go", "build", "-o", gaff, "gaff/cmd/gaff").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	project := filepath.Join(dir, "project")
	for _, part := range []string{"gaff.yaml", "hooks", "jobs"} {
		copyPart(t, project, part)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	url := startDev(t, exec.Command(gaff, "dev", project, "--http", "127.0.0.1:0", "--nats", "127.0.0.1:0"), env)

	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	tour := exec.CommandContext(ctx, "bash", "tour.sh", project)
	tour.Env = append(env, "GAFF_URL="+url, "GAFF="+gaff)
	out, err := tour.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the tour is complete") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func copyPart(t *testing.T, project, part string) {
	t.Helper()
	err := filepath.WalkDir(part, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		to := filepath.Join(project, path)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// startDev starts gaff dev, waits for its ready line and returns the URL that it has printed before.
func startDev(t *testing.T, dev *exec.Cmd, env []string) string {
	t.Helper()
	var log bytes.Buffer
	dev.Env, dev.Stderr = env, &log
	stdout, err := dev.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	kill := time.AfterFunc(5*time.Minute, func() { _ = dev.Process.Kill() })
	lines, drained := bufio.NewReader(stdout), make(chan struct{})
	close(drained)
	t.Cleanup(func() {
		kill.Stop()
		_ = dev.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := dev.Wait(); err != nil || t.Failed() {
			t.Errorf("gaff dev: %v\n%s", err, log.String())
		}
	})
	var url string
	listening := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("gaff dev ended before it was ready: %v", err)
		}
		if found := listening.FindString(line); found != "" && url == "" {
			url = found
		}
		if strings.HasPrefix(line, "ready") {
			break
		}
	}
	drained = make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, lines)
		close(drained)
	}()
	return url
}
