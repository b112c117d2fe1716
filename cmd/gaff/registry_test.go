package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"gaff/hooks"
)

// registry stands for the releases of an app as the API has them.
type registry struct {
	mu       sync.Mutex
	revision int
	files    []map[string]string // release 1 and so on
	current  int
	canary   int
	percent  int
	before   func() // called once, before the next change is looked at
}

func newRegistry(t *testing.T) (*registry, *server) {
	t.Helper()
	r := &registry{}
	return r, newServer(t, map[string]http.HandlerFunc{
		"GET /v1/releases":           r.list,
		"POST /v1/releases":          r.change(r.apply),
		"GET /v1/releases/current":   r.get,
		"POST /v1/releases/rollback": r.change(r.rollback),
		"POST /v1/releases/promote":  r.change(r.promote),
	})
}

func (r *registry) etag(w http.ResponseWriter) {
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, r.revision))
}

func refuse(w http.ResponseWriter, code hooks.Code, message string) {
	w.WriteHeader(code.Status())
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"status": code.Status(), "code": code, "message": message}})
}

func respond(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (r *registry) list(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.etag(w)
	releases := []hooks.ReleaseSummary{}
	for i := range r.files {
		s := hooks.ReleaseSummary{App: "shop", Number: uint64(i + 1), Current: i+1 == r.current, Hooks: 1, By: "admin"}
		if i+1 == r.canary {
			s.Canary = r.percent
		}
		releases = append(releases, s)
	}
	respond(w, 200, releases)
}

func (r *registry) get(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == 0 {
		refuse(w, hooks.CodeNotFound, "app shop has no release")
		return
	}
	r.etag(w)
	respond(w, 200, map[string]any{
		"app": "shop", "release": r.current, "created": "2026-01-02T03:04:05Z", "current": true, "files": r.files[r.current-1],
		"hooks": []any{}, "jobs": []any{},
	})
}

// change lets the change through if it was decided upon what there is.
func (r *registry) change(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, q *http.Request) {
		if before := r.before; before != nil {
			r.before = nil
			before()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if match := q.Header.Get("If-Match"); match != "" && match != fmt.Sprintf(`"%d"`, r.revision) {
			refuse(w, hooks.CodeConflict, "somebody else was faster")
			return
		}
		r.revision++
		r.etag(w)
		do(w, q)
	}
}

func (r *registry) add(files map[string]string) int {
	r.files = append(r.files, files)
	return len(r.files)
}

func (r *registry) apply(w http.ResponseWriter, q *http.Request) {
	var body struct {
		Files map[string]string `json:"files"`
	}
	q.Body = http.MaxBytesReader(w, q.Body, 1<<20)
	if err := json.NewDecoder(q.Body).Decode(&body); err != nil {
		refuse(w, hooks.CodeBadRequest, err.Error())
		return
	}
	n := r.add(body.Files)
	answer := map[string]any{"release": n, "app": "shop", "hooks": 1, "jobs": 0}
	if canary := q.URL.Query().Get("canary"); canary != "" {
		r.canary = n
		r.percent, _ = strconv.Atoi(canary)
		answer["canary"] = r.percent
	} else {
		r.current, r.canary = n, 0
	}
	respond(w, 201, answer)
}

func (r *registry) rollback(w http.ResponseWriter, q *http.Request) {
	var body struct {
		Release int `json:"release"`
	}
	_ = json.NewDecoder(q.Body).Decode(&body)
	if body.Release == 0 && r.canary == 0 {
		body.Release = r.current - 1
	}
	if body.Release > len(r.files) {
		refuse(w, hooks.CodeNotFound, fmt.Sprintf("app shop has no release %d", body.Release))
		return
	}
	if body.Release != 0 {
		r.current = body.Release
	}
	r.canary = 0
	respond(w, 200, map[string]any{"release": r.current})
}

func (r *registry) promote(w http.ResponseWriter, _ *http.Request) {
	r.current, r.canary = r.canary, 0
	respond(w, 200, map[string]any{"release": r.current})
}

// folderOf writes a project.
func folderOf(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func shop() map[string]string {
	return map[string]string{
		"gaff.yaml": "app: shop\nhooks:\n  - {service: customer, script: a.js, timeout: 2s}\nsettings: {slack: {channel: \"#dev\"}, timeout: 5}\n",
		"a.js":      "function beforePOST(req, res) {\n  res.end();\n}\n",
		"old.js":    "gone\n",
	}
}

func changedShop() map[string]string {
	return map[string]string{
		"gaff.yaml": "app: shop\nhooks:\n  - {service: customer, script: a.js, timeout: 3s}\n  - {service: order, script: b.js}\n" +
			"settings: {slack: {channel: \"#<ops>\"}, timeout: 5}\n",
		"a.js": "function beforePOST(req, res) {\n  res.end({ data: 1 });\n}\n",
		"b.js": "function afterPOST(req, res) { res.end(); }\n",
	}
}

// expect fails unless a command ended so. want and wantErr are whole.
func expect(t *testing.T, what string, code int, stdout, stderr string, wantCode int, want, wantErr string) {
	t.Helper()
	if code != wantCode || stdout != want || stderr != wantErr {
		t.Errorf("%s: exit %d, want %d\n--- stdout\n%s--- want\n%s--- stderr\n%s--- want\n%s", what, code, wantCode, stdout, want, stderr, wantErr)
	}
}
