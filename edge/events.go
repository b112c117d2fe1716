package edge

import (
	"net/http"

	"github.com/tidwall/gjson"

	"gaff/hooks"
)

// event asks the before hooks of an event, or publishes one, as a service would over NATS, and then asks the sync hooks
// that it has. A verdict is the answer also when it stops the call.
func (s *Server) event(x *exchange) error {
	if _, err := parseParams(x.r.URL.RawQuery); err != nil {
		return err
	}
	body, err := x.json(maxBody)
	if err != nil {
		return err
	}
	e, err := parseEvent(body, &x.caller)
	if err != nil {
		return err
	}
	if e.ID == "" {
		e.ID = x.id
	}
	x.identify(e.ID)
	e.Depth, e.Trace = max(e.Depth, x.depth), x.trace
	if err := hooks.CheckDepth(e.Depth, e.Service+" "+e.Operation); err != nil {
		return err
	}
	ctx := x.r.Context()
	e.Deadline, _ = ctx.Deadline()
	if e.Phase != hooks.Before {
		if err := s.config.Gate.Publish(ctx, e); err != nil {
			return err
		}
		if !s.config.Tables.Of(e.App).Has(e, true) {
			return x.encode(http.StatusAccepted, map[string]string{"id": e.ID})
		}
	}
	verdict, err := s.config.Gate.Ask(ctx, e)
	if err != nil {
		return err
	}
	x.decided(verdict.Release)
	return x.send(http.StatusOK, verdict.AppendJSON(nil))
}

// parseEvent reads an event of the caller: the fields of a payload, and beside them what a subject says over NATS. A
// field that is neither is an error: it is more likely misspelt than meant for nobody.
func parseEvent(body []byte, c *caller) (*hooks.Event, error) {
	payload, err := hooks.ParsePayload(body)
	if err != nil {
		return nil, err
	}
	e := &hooks.Event{App: c.app, Phase: hooks.Before, Payload: payload}
	gjson.ParseBytes(body).ForEach(func(k, v gjson.Result) bool {
		switch name := k.String(); name {
		case "app":
			err = text(&e.App, name, v)
		case "service":
			err = text(&e.Service, name, v)
		case "operation":
			err = text(&e.Operation, name, v)
		case "phase":
			err = text((*string)(&e.Phase), name, v)
		case "id", "message", "query", "hint", "key", "original", "result", "error", "headers", "session", "origin",
			"depth", "context":
		default:
			err = hooks.Errorf(hooks.CodeBadRequest, "field %.40q is not one of an event", name)
		}
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	return e, checkEvent(e, c)
}

func text(into *string, name string, v gjson.Result) error {
	if v.Type != gjson.String {
		return hooks.Errorf(hooks.CodeBadRequest, "field %q must be text", name)
	}
	*into = v.Str
	return nil
}

func checkEvent(e *hooks.Event, c *caller) error {
	for _, n := range []struct{ kind, name string }{{"app", e.App}, {"service", e.Service}, {"operation", e.Operation}} {
		if err := hooks.CheckName(n.kind, n.name); err != nil {
			return err
		}
	}
	switch {
	case e.App != c.app && c.named:
		return hooks.Errorf(hooks.CodeBadRequest, "field \"app\" says %s and the header Gaff-App %s", e.App, c.app)
	case e.App != c.app && !c.operates():
		return hooks.Errorf(hooks.CodeForbidden, "the key is not one of app %s", e.App)
	case !e.Phase.Valid():
		return hooks.Errorf(hooks.CodeBadRequest, "phase %.20q: use before, after or failed", e.Phase)
	case e.ID != "" && !validRequestID(e.ID):
		return hooks.Errorf(hooks.CodeBadRequest, "an event's id has 1 to %d of A-Z a-z 0-9 _ - .", maxRequestID)
	}
	switch e.Origin {
	case "":
		e.Origin = c.origin
	case hooks.Client, hooks.Script:
	case hooks.S2S:
		if !c.may(hooks.ScopeAdmin) {
			return hooks.Errorf(hooks.CodeForbidden, "origin s2s needs a key with scope admin")
		}
	default:
		return hooks.Errorf(hooks.CodeBadRequest, "origin %.20q: use client, script or s2s", e.Origin)
	}
	return nil
}
