package hooks_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gaff/hooks"
)

// A record has what the hook saw and what it asked of the world, without the caller's credentials and the app's secrets.
func TestRecordInputAndCalls(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"gaff.yaml": "hooks:\n  - {service: item, script: hooks/a.js}\nsettings: {token: \"${secret:SLACK}\"}\n",
		"hooks/a.js": `
async function beforePOST(req, res) {
  await db.post('/rest/note', {text: context.settings.token});
  try { await db.get('/nowhere'); } catch (e) {}
  for (let i = 0; i < 40; i++) await db.get('/rest/note');
  res.end({data: req.body});
}`,
	})
	e := &hooks.Event{App: "default", Service: "item", Operation: "POST", Phase: hooks.Before, Payload: hooks.Payload{
		Message: []byte(`{"a":1}`), Headers: []byte(`{"x-apikey":"abc","authorization":"Bearer caller-token","accept":"*"}`),
		Context: []byte(`"caller-token"`),
	}}
	if v := b.runner.Handle(t.Context(), e); v.Stopped() {
		t.Fatalf("%+v", v.Error)
	}
	b.mu.Lock()
	r := b.log[len(b.log)-1]
	b.mu.Unlock()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"caller-token", `"abc"`, "T0/"} {
		if strings.Contains(string(raw), secret) {
			t.Errorf("the record shows %s: %s", secret, raw)
		}
	}
	var input struct {
		ID, Service, Operation, Phase string
		Message                       struct{ A int }
		Headers                       map[string]string
	}
	if err := json.Unmarshal(r.Input, &input); err != nil || input.Message.A != 1 || input.Headers["accept"] != "*" ||
		input.Service != "item" || input.Operation != "POST" || input.Phase != "before" || input.ID != r.Event {
		t.Errorf("%s, %v", r.Input, err)
	}
	if len(r.Calls) != 32 || r.Calls[0].Name != "db.post" || string(r.Calls[0].Args[0]) != `"/rest/note"` ||
		r.Calls[0].Result == nil || r.Calls[1].Error == nil || r.Calls[1].Error.Code != hooks.CodeBadRequest {
		t.Errorf("%d calls: %+v", len(r.Calls), r.Calls[:2])
	}
	e.Message = []byte(`"` + strings.Repeat("x", 20<<10) + `"`)
	b.runner.Handle(t.Context(), e)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.log[len(b.log)-1]; r.Input != nil {
		t.Errorf("the record keeps %d bytes", len(r.Input))
	}
}

// While a secret is missing no script runs, and the hook's policy says what that means.
func TestMissingSecret(t *testing.T) {
	t.Parallel()
	b := newBench(t, map[string]string{
		"gaff.yaml":  "hooks:\n  - {service: item, script: hooks/a.js}\nsettings: {token: \"${secret:OTHER}\"}\n",
		"hooks/a.js": "function beforePOST(req, res) { res.end({data: {ran: true}}); }",
	})
	v := b.runner.Handle(t.Context(), &hooks.Event{App: "default", Service: "item", Operation: "POST", Phase: hooks.Before})
	if v.Error == nil || v.Error.Code != hooks.CodeHookError || v.Message != nil {
		t.Errorf("%s", v.AppendJSON(nil))
	}
}
