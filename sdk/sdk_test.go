// Package sdk_test runs the tests that the clients bring with them.
package sdk_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// run runs a program in a folder and shows what it says if it fails.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestTypeScript builds the package, checks its types and runs its tests.
func TestTypeScript(t *testing.T) {
	t.Parallel()
	run(t, "ts", nil, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
	var env []string
	if strings.HasPrefix(run(t, "ts", nil, "node", "--version"), "v18.") { // Debian 12's, where crypto is no global yet
		env = append(env, "NODE_OPTIONS=--experimental-global-webcrypto")
	}
	run(t, "ts", env, "npm", "test")
	files := run(t, "ts", nil, "npm", "pack", "--dry-run")
	for _, name := range []string{"dist/index.js", "dist/index.d.ts", "README.md", "LICENSE"} {
		if !strings.Contains(files, name) {
			t.Errorf("the package lacks %s:\n%s", name, files)
		}
	}
	if strings.Contains(files, "test/") {
		t.Errorf("the package has its tests in it:\n%s", files)
	}
}

func TestPython(t *testing.T) {
	t.Parallel()
	run(t, "python", []string{"PYTHONPATH=src", "PYTHONDONTWRITEBYTECODE=1"}, "python3", "-W", "error", "-m", "unittest", "discover", "-s", "tests")
}
