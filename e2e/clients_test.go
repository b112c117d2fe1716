package e2e

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tool runs a program that is not ours and shows what it says if it fails.
func tool(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// TestClients runs what the clients' users do against built processes, with a key whose requests must be signed; then the
// app runs out of calls.
func TestClients(t *testing.T) {
	t.Parallel()
	d := startMethods(t)
	out, stderr, exit := gaff(t, d, "keys", "create", "--scopes", "data,rpc,api,admin", "--signed", "-o", "json")
	var key struct{ Key, SigningSecret string }
	if err := json.Unmarshal([]byte(out), &key); exit != 0 || err != nil || key.SigningSecret == "" {
		t.Fatalf("keys create: %d %s%s", exit, out, stderr)
	}
	t.Run("typescript", func(t *testing.T) {
		client := t.TempDir()
		if err := os.CopyFS(client, os.DirFS("../sdk/ts")); err != nil {
			t.Fatal(err)
		}
		var env []string
		if strings.HasPrefix(tool(t, client, nil, "node", "--version"), "v18.") { // Debian 12's, where crypto is no global yet
			env = append(env, "NODE_OPTIONS=--experimental-global-webcrypto")
		}
		tool(t, client, nil, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
		tool(t, client, nil, "npm", "run", "build")
		tool(t, "testdata/clients", env, "node", "live.mjs", client, d.url, key.Key, key.SigningSecret)
	})
	t.Run("python", func(t *testing.T) {
		source, err := filepath.Abs("../sdk/python/src")
		if err != nil {
			t.Fatal(err)
		}
		env := []string{"PYTHONPATH=" + source, "PYTHONDONTWRITEBYTECODE=1"}
		tool(t, "testdata/clients", env, "python3", "-W", "error", "live.py", d.url, key.Key, key.SigningSecret)
	})
	t.Run("metered", func(t *testing.T) { testMetered(t, d) })
}

// testMetered: registered methods cost, built-ins do not, and a call that is refused for another reason does neither.
func testMetered(t *testing.T, d *deployment) {
	plan := func(args ...string) string {
		out, stderr, exit := gaff(t, d, append([]string{"apps", "plan", "default"}, args...)...)
		if exit != 0 {
			t.Fatalf("apps plan %v: %d %s", args, exit, stderr)
		}
		return out
	}
	call := func() answer {
		return d.do(t, "POST", "/rpc", `{"requestId":"r1","service":"math","method":"add","payload":{"args":[1,2]}}`)
	}
	plan("metered", "--balance", "2")
	for deadline, refused := time.Now().Add(30*time.Second), 0; refused < 20 && time.Now().Before(deadline); refused++ { // until every worker knows
		if a := call(); a.status != 402 {
			refused = -1
		}
	}
	call().want(t, 402, `"code":"PAID_FEATURE"`)
	d.rpc(t, "math", "add", `[]`).want(t, 402, `"code":"PAID_FEATURE"`)
	d.rpc(t, "math", "nobody", `{}`).want(t, 404, `"code":"HOOK_NOT_FOUND"`)
	d.rpc(t, "redis", "call", `{"command":"PING"}`).want(t, 200, `"PONG"`)
	if out := plan("--add", "1"); !strings.Contains(out, "has 1 calls left and has used 2") {
		t.Errorf("plan: %s", out)
	}
	d.rpc(t, "math", "add", `[]`).want(t, 400, `"code":"BAD_REQUEST"`)
	call().want(t, 200)
	call().want(t, 402)
	out, _, _ := gaff(t, d, "apps")
	if !strings.Contains(out, "metered") || !strings.Contains(out, " 3 ") {
		t.Errorf("apps:\n%s", out)
	}
}
