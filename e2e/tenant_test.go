package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tenant is an app of its own in a deployment that other tests use too, with the project of its author.
type tenant struct {
	*deployment
	app, dir string
}

// newTenant makes an app, and a project that is not applied yet.
func newTenant(t *testing.T, d *deployment, files map[string]string) *tenant {
	t.Helper()
	a := &tenant{deployment: d, app: "t" + strings.ToLower(rand.Text()[:10]), dir: t.TempDir()}
	if _, stderr, exit := gaff(t, d, "apps", "create", a.app); exit != 0 {
		t.Fatalf("gaff apps create: exit %d\n%s", exit, stderr)
	}
	a.write(t, files)
	return a
}

// write writes files of the project.
func (a *tenant) write(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		path = filepath.Join(a.dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, text)
	}
}

// copy is the same app as another author sees it, in a folder of their own.
func (a *tenant) copy(t *testing.T, files map[string]string) *tenant {
	t.Helper()
	other := *a
	other.dir = t.TempDir()
	other.write(t, files)
	return &other
}

// with is the same app as somebody with another key sees it.
func (a *tenant) with(key string) *tenant {
	d := *a.deployment
	d.key = key
	return &tenant{&d, a.app, a.dir}
}

// cli runs gaff on the app, with its project as the folder. input is what it reads.
func (a *tenant) cli(t *testing.T, input string, args ...string) (stdout, stderr string, exit int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "gaff"), append(args, "--app", a.app)...)
	cmd.Dir = a.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + a.dir, "GAFF_URL=" + a.url, "GAFF_KEY=" + a.key}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Error(err)
		return "", "", -1
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// ok runs gaff and returns what it prints.
func (a *tenant) ok(t *testing.T, args ...string) string {
	t.Helper()
	out, stderr, exit := a.cli(t, "", args...)
	if exit != 0 {
		t.Fatalf("gaff %v: exit %d\n%s%s", args, exit, out, stderr)
	}
	return out
}

// json runs gaff with -o json.
func (a *tenant) json(t *testing.T, args ...string) answer {
	t.Helper()
	return answer{body: a.ok(t, append(args, "-o", "json")...)}
}

// fails runs gaff, which must end with the exit code and say all of the texts on standard error.
func (a *tenant) fails(t *testing.T, code int, args []string, says ...string) {
	t.Helper()
	out, stderr, exit := a.cli(t, "", args...)
	if exit != code {
		t.Errorf("gaff %v: exit %d, want %d\n%s%s", args, exit, code, out, stderr)
	}
	for _, text := range says {
		if !strings.Contains(stderr, text) {
			t.Errorf("gaff %v does not say %q:\n%s", args, text, stderr)
		}
	}
}

// call is a request about the app.
func (a *tenant) call(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	return a.do(t, method, path, body, append([]string{"Gaff-App", a.app}, header...)...)
}

// await calls until ok accepts the answer.
func (a *tenant) await(t *testing.T, method, path, body string, ok func(answer) bool, header ...string) answer {
	t.Helper()
	return poll(t, method+" "+path, func() (answer, bool) {
		got := a.call(t, method, path, body, header...)
		return got, ok(got)
	})
}

// poll tries until it succeeds.
func poll(t *testing.T, what string, try func() (answer, bool)) answer {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		a, ok := try()
		if ok {
			return a
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: still %d %s", what, a.status, a.body)
		}
	}
}

// generation is project n: its two hooks, its settings and a shared file all say n.
func generation(n int) map[string]string {
	return map[string]string{
		"gaff.yaml": fmt.Sprintf("hooks:\n  - {service: item, script: hooks/a.js}\n  - {service: item, script: hooks/b.js}\n"+
			"jobs:\n  - {name: tidy, schedule: \"@yearly\", script: jobs/tidy.js}\nsettings: {n: %d}\n", n),
		"hooks/a.js": fmt.Sprintf("const lib = require('../lib/n');\n"+
			"function beforePOST(req, res) { res.end({ data: { a: %d, lib: lib.n, settings: context.settings.n } }); }\n", n),
		"hooks/b.js":   fmt.Sprintf("function beforePOST(req, res) { req.body.b = %d; res.end({ data: req.body }); }\n", n),
		"jobs/tidy.js": fmt.Sprintf("function runJob(req, res) { res.end('tidied by %d'); }\n", n),
		"lib/n.js":     fmt.Sprintf("exports.n = %d;\n", n),
	}
}

// eventPath and eventBody ask the hooks of a generation about an item.
const eventPath = "/v1/events"

func eventBody(key string) string {
	return fmt.Sprintf(`{"service":"item","operation":"POST","key":%q,"message":{}}`, key)
}

// decided is the release that an answer names, 0 if it names none.
func decided(header http.Header) uint64 {
	n, _ := strconv.ParseUint(header.Get("Gaff-Release"), 10, 64)
	return n
}

// mixed says what is wrong with the message of a generation, or nothing: all of it must be of the release that is named.
func mixed(a answer, release uint64, prefix string) string {
	for _, name := range []string{"a", "b", "lib", "settings"} {
		if a.at(prefix+name) != float64(release) || release == 0 {
			return fmt.Sprintf("release %d: %d %s", release, a.status, a.body)
		}
	}
	return ""
}

// ask returns the release that decides about an item.
func (a *tenant) ask(t *testing.T, key string) uint64 {
	t.Helper()
	got := a.call(t, "POST", eventPath, eventBody(key))
	if got.status != http.StatusOK {
		t.Fatalf("ask: %d %s", got.status, got.body)
	}
	return decided(got.header)
}

// serves waits until a release decides everywhere: no worker of three is missed by forty asks in a row.
func (a *tenant) serves(t *testing.T, release uint64) {
	t.Helper()
	poll(t, fmt.Sprintf("release %d", release), func() (answer, bool) {
		for i := range 40 {
			if got := a.ask(t, fmt.Sprint("probe", i)); got != release {
				return answer{body: fmt.Sprintf("release %d decides", got)}, false
			}
		}
		return answer{}, true
	})
}
