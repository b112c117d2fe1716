package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gaff/script"
)

// typescript is the version of the compiler that checks; sdk/ts has the same.
const typescript = "typescript@5.9.3"

// TestTypings checks the project of gaff init, every example, and scripts that authors may write, with the TypeScript
// compiler against gaff.d.ts.
func TestTypings(t *testing.T) {
	t.Parallel()
	tools := t.TempDir()
	command(t, tools, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", "--prefix", tools, typescript)
	compiler := filepath.Join(tools, "node_modules", ".bin", "tsc")
	var projects []string
	for _, pattern := range []string{"../../examples/*/gaff.yaml", "template/gaff.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || found == nil {
			t.Fatalf("%s: nothing there, %v", pattern, err)
		}
		for _, path := range found {
			projects = append(projects, filepath.Dir(path))
		}
	}
	for _, from := range append(projects, "testdata/typings") {
		t.Run(filepath.Base(from), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile("template/tsconfig.json")
			if err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"tsconfig.json": string(config), typingsFile: script.Typings()} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			command(t, dir, compiler, "-p", ".", "--skipLibCheck", "false")
		})
	}
}

// command runs a program in a folder and shows what it says if it fails.
func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
}
