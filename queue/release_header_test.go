package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// A verdict carries the number of the release that decided, to gates and to plain NATS clients, also when it stops the
// call or is too large to send.
func TestVerdictRelease(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	serve(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		v := hooks.GoOn()
		switch string(e.Message) {
		case `"stop"`:
			v = hooks.Stop(hooks.Errorf(hooks.CodeRejected, "no"))
		case `"huge"`:
			v.Message = []byte(`"` + strings.Repeat("x", maxPayload) + `"`)
		}
		v.Release = 42
		return v
	}))
	g := newGate(t, c, tables())
	for _, message := range []string{`"go"`, `"stop"`, `"huge"`} { // a gate
		if v, err := g.Ask(t.Context(), call(message)); err != nil || v.Release != 42 {
			t.Errorf("%s: release %d, %v", message, v.Release, err)
		}
	}
	e := call(`{}`)
	reply, err := c.nc.Request(c.subjects.ask(e), e.AppendJSON(nil), 10*time.Second)
	if err != nil || reply.Header.Get("Gaff-Release") != "42" {
		t.Errorf("%v, %v", reply, err)
	}
}

// Gate and worker agree on which release an event sees, also if it has neither key nor id; and the verdict names it.
func TestAskCanary(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	ts := tables()
	current := ts.Of("default").Release
	canary := *current
	canary.Number = 2
	ts.Set(hooks.Source{Release: current, Canary: hooks.NewTable(&canary), Percent: 50}.Table())
	serve(t, c, hooks.HandlerFunc(func(_ context.Context, e *hooks.Event) hooks.Verdict {
		v := hooks.GoOn()
		v.Release, v.Message = ts.Of(e.App).For(e).Release.Number, []byte(fmt.Sprintf("%q", e.ID))
		return v
	}))
	g := newGate(t, c, ts)
	seen := map[uint64]int{}
	for range 64 {
		v, err := g.Ask(t.Context(), call(`{}`))
		if err != nil || len(v.Message) < 10 {
			t.Fatalf("%s, %v", v.AppendJSON(nil), err)
		}
		seen[v.Release]++
	}
	if seen[1] == 0 || seen[2] == 0 || len(seen) != 2 {
		t.Errorf("releases seen: %v", seen)
	}
}

// Audit records are found by their app, kind and action.
func TestAudit(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	l := NewLog(c)
	l.Record(hooks.NewAuditRecord("shop", hooks.Audit{Actor: "admin", Action: "release-apply", From: "1", To: "2"}))
	l.Record(hooks.NewAuditRecord("shop", hooks.Audit{Actor: "admin", Action: "key-revoke"}))
	l.Close()
	records, err := Logs(t.Context(), c, hooks.LogFilter{App: "shop", Kind: hooks.KindAudit, Name: "release-apply"})
	if err != nil || len(records) != 1 || records[0].Audit == nil || records[0].Audit.To != "2" || records[0].Audit.Actor != "admin" {
		t.Errorf("%+v, %v", records, err)
	}
}
