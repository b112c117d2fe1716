package edge

import (
	"context"
	"encoding/json"
	"net/http"

	"gaff/hooks"
)

// hookBody is a hook as it is registered.
type hookBody struct {
	Name      string          `json:"name"`
	Service   string          `json:"service"`
	Operation string          `json:"operation,omitempty"`
	Phase     hooks.Phase     `json:"phase,omitempty"`
	Functions []string        `json:"functions"`
	Script    string          `json:"script"`
	Timeout   string          `json:"timeout"`
	Order     int             `json:"order"`
	OnError   hooks.Policy    `json:"onError,omitempty"`
	When      string          `json:"when,omitempty"`
	Changed   []string        `json:"changed,omitempty"`
	Origins   []hooks.Origin  `json:"origins"`
	Params    json.RawMessage `json:"params,omitempty"`
	Sync      bool            `json:"sync,omitempty"`
	Ordered   bool            `json:"ordered,omitempty"`
	Retry     *retryBody      `json:"retry,omitempty"`
}

func hookBodyOf(h *hooks.Hook) hookBody {
	return hookBody{
		h.Name, h.Service, h.Operation, h.Phase, h.Functions, h.Script, h.Timeout.String(), h.Order, h.OnError, h.When, h.Changed,
		h.Origins, h.Params, h.Sync, h.Ordered, retryBodyOf(h.Retry),
	}
}

// standing says since which releases something is registered, and whether it is on. What is on and in quarantine does not run
// until it is switched on again.
type standing struct {
	Release       uint64 `json:"release,omitempty" doc:"the current release, if it has it"`
	CanaryRelease uint64 `json:"canaryRelease,omitempty" doc:"the canary, if it has it"`
	Enabled       bool   `json:"enabled"`

	Quarantine *hooks.Quarantine `json:"quarantine,omitempty" doc:"why it does not run although it is enabled"`
}

// stand sets whether it is on.
func (s *standing) stand(on bool, quarantined map[string]hooks.Quarantine, name string) {
	s.Enabled, s.Quarantine = on, nil
	if q, ok := quarantined[name]; ok {
		s.Quarantine = &q
	}
}

// turn shows it as somebody has just switched it.
func (s *standing) turn(on bool) {
	if s.Enabled = on; on {
		s.Quarantine = nil
	}
}

// hookState is a hook as lists show it.
type hookState struct {
	hookBody
	standing
	figures
}

// eachRelease calls f with the release that serves and with the canary, and the standing of what they have.
func eachRelease(t *hooks.Table, f func(*hooks.Release, standing)) {
	if t == nil {
		return
	}
	f(t.Release, standing{Release: t.Release.Number})
	if t.Canary != nil {
		f(t.Canary.Release, standing{CanaryRelease: t.Canary.Release.Number})
	}
}

// hookStates lists the hooks of what serves: all, or the one of that name.
func (s *Server) hookStates(ctx context.Context, app, name string) ([]hookState, uint64, error) {
	state, revision, err := s.config.States.State(ctx, app)
	if err != nil {
		return nil, 0, err
	}
	list, at := []hookState{}, map[string]int{}
	eachRelease(s.config.Tables.Of(app), func(r *hooks.Release, st standing) {
		for i := range r.Hooks {
			h := &r.Hooks[i]
			if known, ok := at[h.Name]; ok {
				list[known].CanaryRelease = st.CanaryRelease
			} else if name == "" || name == h.Name {
				at[h.Name] = len(list)
				st.stand(!h.Disabled && !state.HookDisabled(h.Name), state.QuarantinedHooks, h.Name)
				list = append(list, hookState{hookBody: hookBodyOf(h), standing: st})
			}
		}
	})
	if len(list) == 0 {
		return list, revision, nil
	}
	all, err := s.figures(ctx, app, hooks.KindHook, name)
	for i := range list {
		list[i].figures = of(all, list[i].Name)
	}
	return list, revision, err
}

type nameInput struct {
	Name string `path:"name"`
}

type switchInput struct {
	Name    string `path:"name"`
	IfMatch string `header:"If-Match" doc:"ETag of what was got: another since then is a CONFLICT"`
	Body    struct {
		Enabled bool `json:"enabled"`
	}
}

func (a *api) hooks() {
	s := a.server
	registered(a, "hook", s.hookStates, (*hooks.State).EnableHook, func(h *hookState, on bool) { h.turn(on) })
}

// registered adds the operations that hooks and jobs have in common.
func registered[T any](
	a *api, one string, list func(ctx context.Context, app, name string) ([]T, uint64, error),
	enable func(*hooks.State, string, bool), show func(*T, bool),
) {
	s, path := a.server, "/v1/"+one+"s"
	get := func(x *exchange, name string) (*tagged[T], error) {
		if err := checkRegistered(one, name); err != nil {
			return nil, err
		}
		found, revision, err := list(x.r.Context(), x.caller.app, name)
		if err != nil {
			return nil, err
		}
		switch len(found) {
		case 0:
			return nil, hooks.Errorf(hooks.CodeNotFound, "there is no %s %s", one, name)
		case 1:
		default:
			return nil, hooks.Errorf(hooks.CodeBadRequest, "several services have a %s %s: name it with its service, service.%s", one, name, name)
		}
		return &tagged[T]{ETag: etag(revision), Body: found[0]}, nil
	}
	serve(a, operation{id: "list-" + one + "s", method: http.MethodGet, path: path, summary: "List " + one + "s, with their figures"},
		func(x *exchange, _ *none) (*tagged[[]T], error) {
			found, revision, err := list(x.r.Context(), x.caller.app, "")
			return &tagged[[]T]{ETag: etag(revision), Body: found}, err
		})
	serve(a, operation{id: "get-" + one, method: http.MethodGet, path: path + "/{name}", summary: "Get a " + one},
		func(x *exchange, in *nameInput) (*tagged[T], error) { return get(x, in.Name) })
	serve(a, operation{id: "switch-" + one, method: http.MethodPatch, path: path + "/{name}", summary: "Switch a " + one + " on or off"},
		func(x *exchange, in *switchInput) (*tagged[T], error) {
			got, err := get(x, in.Name)
			if err != nil {
				return nil, err
			}
			if full, ok := any(&got.Body).(interface{ registeredID() string }); ok {
				in.Name = full.registeredID()
			}
			revision, err := s.setState(x, in, func(state *hooks.State) { enable(state, in.Name, in.Body.Enabled) })
			if err != nil {
				return nil, err
			}
			got.ETag = etag(revision)
			show(&got.Body, in.Body.Enabled)
			action := one + "-disable"
			if in.Body.Enabled {
				action = one + "-enable"
			}
			s.audit(x, x.caller.app, action, "", in.Name)
			return got, nil
		})
}

// setState changes what is switched off, as the request's If-Match allows.
func (s *Server) setState(x *exchange, in *switchInput, change func(*hooks.State)) (uint64, error) {
	match, err := ifMatch(in.IfMatch)
	if err != nil {
		return 0, err
	}
	return s.config.States.SetState(x.r.Context(), x.caller.app, match.number, func(state *hooks.State) error {
		if match.given && match.number == 0 && len(state.DisabledHooks)+len(state.DisabledJobs)+len(state.DisabledMethods) > 0 { // 0 stands for any revision
			return hooks.Errorf(hooks.CodeConflict, "somebody else has switched something on or off meanwhile")
		}
		change(state)
		return nil
	})
}
