package script

import (
	"fmt"
	"path"
	"strings"
)

// Files are the sources of a release by slash-separated path. They are not changed once they are compiled.
type Files map[string]string

// resolve returns the path of the file that a require in the file from means, as Node resolves relative paths.
func (f Files) resolve(from, name string) (string, error) {
	if name != "." && name != ".." && !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") {
		return "", unknownModule(name)
	}
	base := path.Join(path.Dir(from), name)
	if base == ".." || strings.HasPrefix(base, "../") {
		return "", fmt.Errorf("cannot require %q: the path leads out of the release", name)
	}
	tried := candidates(base)
	for _, p := range tried {
		if _, ok := f[p]; ok {
			return p, nil
		}
	}
	return "", fmt.Errorf("cannot find %q (looked for %s)", name, strings.Join(tried, ", "))
}

// isText reports whether a file is text that scripts require as it is, such as a template.
func isText(name string) bool { return path.Ext(name) == ".hbs" || path.Ext(name) == ".md" }

func candidates(base string) []string {
	var out []string
	if base != "." {
		out = append(out, base)
		for _, ext := range []string{".js", ".ts", ".json"} {
			out = append(out, base+ext)
		}
	}
	for _, index := range []string{"index.js", "index.ts", "index.json"} {
		out = append(out, path.Join(base, index))
	}
	return out
}
