package edge

import (
	"cmp"
	"net/http"
	"slices"

	"gaff/hooks"
)

type appInput struct {
	Body struct {
		Name string `json:"name"`
	}
}

func (a *api) apps() {
	s := a.server
	serve(a, operation{id: "list-apps", method: http.MethodGet, path: "/v1/apps", summary: "List apps", operator: true}, s.listApps)
	serve(a, operation{id: "create-app", method: http.MethodPost, path: "/v1/apps", summary: "Make an app", operator: true,
		status: http.StatusCreated}, s.createApp)
	serve(a, operation{id: "delete-app", method: http.MethodDelete, path: "/v1/apps/{name}", operator: true,
		summary: "Remove an app with its releases, keys and secrets"}, s.deleteApp)
}

func (s *Server) listApps(x *exchange, _ *none) (*tagged[[]hooks.AppSummary], error) {
	list, err := s.config.Apps.Apps(x.r.Context())
	if err != nil {
		return nil, err
	}
	list = append([]hooks.AppSummary{}, list...)
	slices.SortFunc(list, func(a, b hooks.AppSummary) int { return cmp.Compare(a.Name, b.Name) })
	return &tagged[[]hooks.AppSummary]{Body: list}, nil
}

type appBody struct {
	Name string `json:"name"`
}

func (s *Server) createApp(x *exchange, in *appInput) (*tagged[appBody], error) {
	name := in.Body.Name
	if err := hooks.CheckName("app", name); err != nil {
		return nil, err
	}
	if err := s.config.Apps.CreateApp(x.r.Context(), name); err != nil {
		return nil, err
	}
	s.audit(x, name, "app-create", "", name)
	return &tagged[appBody]{Body: appBody{name}}, nil
}

func (s *Server) deleteApp(x *exchange, in *nameInput) (*none, error) {
	if err := hooks.CheckName("app", in.Name); err != nil {
		return nil, err
	}
	if err := s.config.Apps.DeleteApp(x.r.Context(), in.Name); err != nil {
		return nil, err
	}
	s.audit(x, in.Name, "app-delete", in.Name, "")
	return &none{}, nil
}
