package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gaff/store"
)

const crashVariable = "GAFF_TEST_CRASH_FILE"

// TestCrash kills a process that writes: what it has said to be committed is there, with its event, and nothing else.
func TestCrash(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gaff.db")
	victim := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashVictim$")
	victim.Env = append(os.Environ(), crashVariable+"="+path)
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "committed "); ok {
			said[id] = true
		}
		if len(said) == 100 {
			if err := victim.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = victim.Wait() // it was killed
	s, err := store.OpenSQLite(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	there := find(t, s, "", `{"$max":10000}`)
	events := map[string]bool{}
	for _, e := range takeAll(t, s) {
		events[e.ID] = true
	}
	if len(said) < 100 || len(events) != len(there) {
		t.Errorf("%d committed, %d documents, %d events", len(said), len(there), len(events))
	}
	for _, id := range there {
		delete(said, id)
		if !events[id] {
			t.Errorf("document %s has no event", id)
		}
	}
	if len(said) > 0 {
		t.Errorf("%d committed documents are lost", len(said))
	}
}

// TestCrashVictim is the process that TestCrash kills; by itself it does nothing.
func TestCrashVictim(t *testing.T) {
	path := os.Getenv(crashVariable)
	if path == "" {
		return
	}
	s, err := store.OpenSQLite(t.Context(), path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		id := fmt.Sprintf("%08d", n)
		c := document(id, `"n":1`)
		c.Event = event(id)
		write(t, s, c)
		os.Stdout.WriteString("committed " + id + "\n")
	}
}
