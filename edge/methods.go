package edge

import (
	"context"
	"encoding/json"
	"strings"

	"gaff/hooks"
)

// methodBody is a method as it is registered.
type methodBody struct {
	ID      string           `json:"id" doc:"service.name"`
	Name    string           `json:"name"`
	Service string           `json:"service"`
	Kind    hooks.MethodKind `json:"kind"`
	Mode    hooks.MethodMode `json:"mode,omitempty" doc:"of a macro"`
	Script  string           `json:"script,omitempty"`
	Keys    int              `json:"keys,omitempty" doc:"of Lua: how many leading args are keys"`
	Body    json.RawMessage  `json:"body,omitempty" doc:"of a macro: its steps"`
	Timeout string           `json:"timeout"`
}

func methodBodyOf(m *hooks.Method) methodBody {
	return methodBody{m.ID(), m.Name, m.Service, m.Kind, m.Mode, m.Script, m.Keys, m.Body, m.Timeout.String()}
}

// methodState is a method as lists show it.
type methodState struct {
	methodBody
	standing
	figures
}

// registeredID is the name by which the method is switched.
func (m *methodState) registeredID() string { return m.ID }

// methodStates lists the methods of what serves: all, those of a name, or the one of an id.
func (s *Server) methodStates(ctx context.Context, app, name string) ([]methodState, uint64, error) {
	state, revision, err := s.config.States.State(ctx, app)
	if err != nil {
		return nil, 0, err
	}
	list, at := []methodState{}, map[string]int{}
	eachRelease(s.config.Tables.Of(app), func(r *hooks.Release, st standing) {
		for i := range r.Methods {
			m := &r.Methods[i]
			id := m.ID()
			if known, ok := at[id]; ok {
				list[known].CanaryRelease = st.CanaryRelease
			} else if name == "" || name == id || name == m.Name {
				at[id] = len(list)
				st.Enabled = !m.Disabled && !state.MethodDisabled(id)
				list = append(list, methodState{methodBody: methodBodyOf(m), standing: st})
			}
		}
	})
	if len(list) == 0 {
		return list, revision, nil
	}
	all, err := s.figures(ctx, app, hooks.KindMethod, name[strings.IndexByte(name, '.')+1:])
	for i := range list {
		list[i].figures = of(all, list[i].ID)
	}
	return list, revision, err
}

func (a *api) methods() {
	registered(a, "method", a.server.methodStates, (*hooks.State).EnableMethod, func(m *methodState, on bool) { m.Enabled = on })
}

// checkRegistered returns a BAD_NAME error if nothing registered can have that name. A method may be named with its
// service.
func checkRegistered(one, name string) error {
	if service, method, ok := strings.Cut(name, "."); ok && one == "method" {
		if err := hooks.CheckName("service", service); err != nil {
			return err
		}
		name = method
	}
	return hooks.CheckName(one, name)
}
