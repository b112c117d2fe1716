package outbound

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gaff/hooks"
)

func TestSlack(t *testing.T) {
	t.Parallel()
	at := world(t)
	client := newClient(t, Config{Allow: []netip.Prefix{public}})
	run := caller(fmt.Sprintf(`{"slack":{"url":"%s/echo","channel":"#dev"}}`, at))
	got, err := client.Functions()["slack.send"](t.Context(), run, []json.RawMessage{json.RawMessage(`{"message":":tada: new"}`)})
	if err != nil || !strings.Contains(string(got), `\"channel\\\":\\\"#dev`) || !strings.Contains(string(got), ":tada: new") {
		t.Errorf("%s, %v", got, err)
	}
	if lines := run.Lines(); len(lines) != 1 || strings.Contains(lines[0].Text, "echo") {
		t.Errorf("the URL is shown: %+v", lines)
	}
	for options, code := range map[string]hooks.Code{
		`{"message":"x"}`: hooks.CodeBadRequest,
		fmt.Sprintf(`{"message":"x","slackhookurl":"%s/status"}`, at): hooks.CodeServiceError,
		fmt.Sprintf(`{"message":"x","slackhookurl":"%s/moved"}`, at):  codeRedirect,
	} {
		if _, err := client.Functions()["slack.send"](t.Context(), caller(`{}`), []json.RawMessage{json.RawMessage(options)}); codeOf(err) != code {
			t.Errorf("%s: %v", options, err)
		}
	}
}
