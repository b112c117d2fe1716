package hooks

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadProject(t *testing.T) {
	t.Parallel()
	large := &fstest.MapFile{Data: []byte(strings.Repeat("x", MaxFileSize+1))}
	text := &fstest.MapFile{Data: []byte("text")}
	files, err := ReadProject(fstest.MapFS{
		"gaff.yaml": text, "hooks/a.js": text, "hooks/a.ts": text, "lib/b.mjs": text, "lib/b.cjs": text,
		"data/c.json": text, "methods/d.lua": text, "methods/e.sql": text, "mail/f.hbs": text, "README.md": text,
		"hooks/.hidden.js": text, ".gaff/store.json": text, ".git/config.json": text, "node_modules/x/index.js": text,
		"lib/node_modules/x.js": text, "tests/case.yaml": text, "data/large.json": large, "tests/large.json": large,
		"gaff.d.ts": text, "lib/more.d.ts": text, "tsconfig.json": text, "lib/jsconfig.json": text,
		"image.png": large, "sub/gaff.yaml": text,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md", "data/c.json", "gaff.yaml", "hooks/a.js", "hooks/a.ts", "lib/b.cjs", "lib/b.mjs", "mail/f.hbs",
		"methods/d.lua", "methods/e.sql",
	}
	if got := slices.Sorted(maps.Keys(files)); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if files["hooks/a.js"] != "text" {
		t.Errorf("hooks/a.js is %q", files["hooks/a.js"])
	}
}

func TestReadProjectTooLarge(t *testing.T) {
	t.Parallel()
	_, err := ReadProject(fstest.MapFS{"hooks/a.js": {Data: []byte(strings.Repeat("x", MaxFileSize+1))}})
	if _, ok := errors.AsType[*ProjectError](err); !ok || !strings.HasPrefix(err.Error(), "hooks/a.js:1:1: the file is larger") {
		t.Errorf("got %v", err)
	}
	many := fstest.MapFS{}
	for i := range 20 {
		many[string(rune('a'+i))+".js"] = &fstest.MapFile{Data: []byte(strings.Repeat("x", MaxFileSize))}
	}
	if _, err := ReadProject(many); err == nil || !strings.Contains(err.Error(), "bytes; at most") {
		t.Errorf("got %v", err)
	}
}

func TestReadProjectLinks(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	dir := t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(outside, "secret.js"): "secret",
		filepath.Join(dir, "real.js"):       "real",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{
		"out.js":      filepath.Join(outside, "secret.js"),
		"up.js":       "../" + filepath.Base(outside) + "/secret.js",
		"folder":      outside,
		"through.js":  "folder/secret.js",
		"chain.js":    "in.js",
		"in.js":       "real.js",
		"dangling.js": "nothing.js",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ReadProject(os.DirFS(dir))
	bad, ok := errors.AsType[*ProjectError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	var refused []string
	for _, p := range bad.Problems {
		refused = append(refused, p.File)
	}
	want := []string{"chain.js", "dangling.js", "out.js", "through.js", "up.js"}
	if !slices.Equal(refused, want) {
		t.Errorf("refused %v, want %v", refused, want)
	}
	for _, name := range want {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := ReadProject(os.DirFS(dir))
	if err != nil || files["in.js"] != "real" || len(files) != 2 {
		t.Errorf("got %v, %v", files, err)
	}
}
