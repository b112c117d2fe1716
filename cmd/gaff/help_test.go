package main

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
)

// TestHelp: every command has an example, which names flags and commands that there are.
func TestHelp(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if cmd.HasParent() && (cmd.Short == "" || !strings.HasPrefix(cmd.Example, "  gaff ")) && !slices.Contains([]string{"help", "completion"}, cmd.Name()) {
			t.Errorf("%s: help %q, example %q", cmd.CommandPath(), cmd.Short, cmd.Example)
		}
	}
	walk(newRoot(&terminal{}))
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	s := newServer(t, map[string]http.HandlerFunc{
		"GET /v1/hooks":    answer(200, hookList),
		"GET /v1/jobs":     answer(401, `{"error":{"code":"UNAUTHORIZED","message":"no"}}`),
		"GET /v1/releases": answer(200, `[{"release":7},{"release":8}]`),
	})
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"hooks", "disable", "--app", "shop", ""}, "customer\nnew\n:4\n"},
		{[]string{"hooks", "disable", "customer", ""}, ":4\n"},
		{[]string{"jobs", "run", ""}, ":4\n"},
		{[]string{"logs", "--hook", ""}, "customer\nnew\n:4\n"},
		{[]string{"rollback", ""}, "7\n8\n:4\n"},
		{[]string{"keys", "create", "--scopes", ""}, "data\nrpc\napi\nlog\nadmin\n:4\n"},
		{[]string{"releases", "-o", ""}, "text\njson\n:4\n"},
	} {
		code, stdout, _ := s.gaff(t, "", append([]string{"__complete"}, c.args...)...)
		if code != 0 || stdout != c.want {
			t.Errorf("%v: exit %d\n%s", c.args, code, stdout)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, stdout, stderr := s.gaff(t, "", "completion", shell)
		if code != 0 || !strings.Contains(stdout, "__complete") || stderr != "" {
			t.Errorf("%s: exit %d\n%.100s%s", shell, code, stdout, stderr)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		900 * time.Millisecond:  "",
		2500 * time.Millisecond: "\rwaiting: 1s\x1b[K\rwaiting: 2s\x1b[K\r\x1b[K",
	} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			done := showProgress(&b, "waiting")
			<-time.After(wait)
			done()
			if b.String() != want {
				t.Errorf("after %v: %q", wait, b.String())
			}
		})
	}
}
