package hooks

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the golden tests get as what they want")

// TestLoadProject loads each project of testdata/project; its file "want" has the problems, or the release without
// its files.
func TestLoadProject(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/project/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no projects", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			files := map[string]string{}
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = string(f.Data)
				} else {
					files[f.Name] = string(f.Data)
				}
			}
			got := outcome(t, files)
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func outcome(t *testing.T, files map[string]string) string {
	t.Helper()
	release, err := LoadProject(files)
	if err != nil {
		if _, ok := errors.AsType[*ProjectError](err); !ok {
			t.Fatalf("the error is a %T", err)
		}
		return err.Error() + "\n"
	}
	shown := *release
	shown.Files = nil
	b, err := json.MarshalIndent(shown, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestLoadProjectBounds(t *testing.T) {
	t.Parallel()
	many := map[string]string{ProjectFile: "app: a\n"}
	for i := range MaxProjectFiles {
		many[fmt.Sprintf("data/%d.json", i)] = "1"
	}
	heavy := map[string]string{ProjectFile: "app: a\n"}
	for i := range 17 {
		heavy[fmt.Sprintf("data/%d.json", i)] = strings.Repeat("x", MaxFileSize)
	}
	laughs := "settings:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		laughs += fmt.Sprintf("  a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d,", i), 10))
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"files":    {many, "the project has 2001 files"},
		"bytes":    {heavy, "the project has 17825799 bytes"},
		"file":     {map[string]string{ProjectFile: "app: a", "a.js": strings.Repeat(" ", MaxFileSize+1)}, "a.js:1:1: the file has"},
		"yaml":     {map[string]string{ProjectFile: strings.Repeat("#", MaxFileSize+1)}, "gaff.yaml:1:1: the file has"},
		"yaml too": {map[string]string{ProjectFile: strings.Repeat("#\n", maxYAML)}, "gaff.yaml:1:1: the file has"},
		"line":     {map[string]string{ProjectFile: "#\n" + strings.Repeat("#", maxYAMLLine+1)}, "gaff.yaml:2:1: the line has 8193 bytes"},
		"text":     {map[string]string{ProjectFile: "app: a", "a.js": "\xff"}, "a.js:1:1: the file is not UTF-8 text"},
		"path":     {map[string]string{ProjectFile: "app: a", "../a.js": ""}, `"../a.js" is not a path inside`},
		"brackets": {map[string]string{ProjectFile: strings.Repeat("[", 1000)}, "nested deeper than 64"},
		"dashes":   {map[string]string{ProjectFile: strings.Repeat("- ", 1000)}, "nested deeper than 64"},
		"keys":     {map[string]string{ProjectFile: strings.Repeat("? ", 1000)}, "nested deeper than 64"},
		"laughs":   {map[string]string{ProjectFile: laughs}, "settings and params are too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadProject(c.files)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.300v, want %s", err, c.want)
			}
		})
	}
}

// FuzzLoadProject holds LoadProject to what it promises for any gaff.yaml: it returns a valid release or problems with
// places, and does so again.
func FuzzLoadProject(f *testing.F) {
	paths, err := filepath.Glob("testdata/project/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(archive.Files[0].Data))
	}
	f.Fuzz(func(t *testing.T, source string) {
		files := map[string]string{
			ProjectFile:  source,
			"hooks/a.js": "function beforePOST(req, res) { res.end(); }",
			"jobs/j.js":  "function runJob(req, res) { res.end(); }",
		}
		release, err := LoadProject(files)
		if err != nil {
			bad, ok := errors.AsType[*ProjectError](err)
			if !ok || len(bad.Problems) == 0 {
				t.Fatalf("the error is %#v", err)
			}
			for _, p := range bad.Problems {
				if p.File == "" || p.Line < 1 || p.Col < 1 || p.Message == "" || strings.Contains(p.Message, "\n") {
					t.Errorf("bad problem %#v", p)
				}
			}
			return
		}
		b, err := json.Marshal(release)
		if err != nil || !ValidName(release.App) {
			t.Fatalf("bad release %+v: %v", release, err)
		}
		again, err := LoadProject(files)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := json.Marshal(again); string(c) != string(b) {
			t.Errorf("the same project gives\n%s\nand\n%s", b, c)
		}
	})
}
