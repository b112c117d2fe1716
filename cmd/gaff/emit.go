package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// maxData is the largest --data, in bytes, as servers allow it.
const maxData = 1 << 20

func newEmit(t *terminal) *cobra.Command {
	var phase, data, app string
	cmd := &cobra.Command{
		Use:   "emit SERVICE OPERATION",
		Short: "Send an event as a service would, and print the verdict",
		Long: "Send an event as a service would. For the phase before, and for after and failed if the event has a hook with\n" +
			"sync: true, the verdict is printed, and the exit code is 1 if it stops the call; else the id of the event.\n\n" +
			"--data is the payload, such as {\"message\": {…}, \"query\": {…}}. Any other JSON is taken as its message; - reads\n" +
			"standard input.",
		Example: "  gaff emit customer POST --data '{\"name\": \"Ann\"}'\n" +
			"  gaff emit Event sendEvent --phase after --data '{\"message\": {\"amount\": 5}, \"result\": {\"ok\": true}}'",
		Args: arguments(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := t.event(args[0], args[1], hooks.Phase(phase), data)
			if err != nil {
				return err
			}
			c, err := t.newClient(app)
			if err != nil {
				return err
			}
			if app != "" {
				body["app"] = app
			}
			answer, err := c.call(cmd.Context(), http.MethodPost, "/v1/events", nil, body)
			if err != nil {
				return err
			}
			return t.printVerdict(answer)
		},
	}
	cmd.Flags().StringVar(&phase, "phase", string(hooks.Before), "before, after or failed")
	cmd.Flags().StringVar(&data, "data", "", "JSON of the event, or - for standard input")
	cmd.Flags().StringVar(&app, "app", "", "the app; default: the key's")
	return cmd
}

// event is the request's body: the payload, and what NATS says in the subject.
func (t *terminal) event(service, operation string, phase hooks.Phase, data string) (map[string]any, error) {
	if err := required("service", service); err != nil {
		return nil, err
	}
	if err := required("operation", operation); err != nil {
		return nil, err
	}
	if !phase.Valid() {
		return nil, usagef("--phase %q: use before, after or failed", phase)
	}
	if data == "-" {
		b, err := io.ReadAll(io.LimitReader(t.stdin, maxData+1))
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		data = string(b)
	}
	body, err := payload([]byte(data))
	if err != nil {
		return nil, err
	}
	body["service"], body["operation"], body["phase"] = service, operation, phase
	return body, nil
}

// payload reads --data: an object that has fields of a payload and no others, or a message.
func payload(data []byte) (map[string]any, error) {
	if len(data) == 0 {
		return map[string]any{}, nil
	}
	if len(data) > maxData {
		return nil, usagef("--data is larger than %d bytes", maxData)
	}
	if err := hooks.CheckJSON(data); err != nil {
		return nil, usagef("--data: %s", hooks.AsError(err).Message)
	}
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(data, &fields) != nil || !isPayload(fields) {
		return map[string]any{"message": json.RawMessage(data)}, nil
	}
	body := make(map[string]any, len(fields)+3)
	for name, value := range fields {
		body[name] = value
	}
	return body, nil
}

func isPayload(fields map[string]json.RawMessage) bool {
	for name := range fields {
		switch name {
		case "id", "message", "query", "hint", "key", "original", "result", "error", "headers", "session", "origin",
			"depth", "context":
		default:
			return false
		}
	}
	return len(fields) > 0
}

// printVerdict prints what the server answered: a verdict, or the id of an event that nobody waits for. A verdict that
// stops the call ends the command with errStopped.
func (t *terminal) printVerdict(answer []byte) error {
	var out bytes.Buffer
	if err := json.Indent(&out, bytes.TrimSpace(answer), "", "  "); err != nil {
		return fmt.Errorf("the server's answer is not JSON: %w", err)
	}
	fmt.Fprintln(t.stdout, out.String())
	if !gjson.GetBytes(answer, "status").Exists() {
		return nil
	}
	v, err := hooks.ParseVerdict(bytes.TrimSpace(answer))
	switch {
	case err != nil:
		return fmt.Errorf("the server's answer is not a verdict: %w", err)
	case v.Stopped():
		return errStopped
	}
	return nil
}
