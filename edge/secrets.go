package edge

import (
	"net/http"

	"gaff/hooks"
)

type secretInput struct {
	Name    string `path:"name"`
	IfMatch string `header:"If-Match" doc:"the secret's revision, in quotes: another since then is a CONFLICT"`
	Body    struct {
		Value string `json:"value"`
	}
}

func (a *api) secrets() {
	s := a.server
	serve(a, operation{id: "list-secrets", method: http.MethodGet, path: "/v1/secrets", summary: "List secrets, without their values"},
		s.listSecrets)
	serve(a, operation{id: "set-secret", method: http.MethodPut, path: "/v1/secrets/{name}", summary: "Keep a secret"}, s.setSecret)
	serve(a, operation{id: "delete-secret", method: http.MethodDelete, path: "/v1/secrets/{name}", summary: "Remove a secret"}, s.deleteSecret)
}

func (s *Server) listSecrets(x *exchange, _ *none) (*tagged[[]hooks.SecretSummary], error) {
	list, err := s.config.Secrets.List(x.r.Context(), x.caller.app)
	if err != nil {
		return nil, err
	}
	if list == nil {
		list = []hooks.SecretSummary{}
	}
	return &tagged[[]hooks.SecretSummary]{Body: list}, nil
}

func (s *Server) setSecret(x *exchange, in *secretInput) (*none, error) {
	if err := hooks.CheckName("secret", in.Name); err != nil {
		return nil, err
	}
	match, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.config.Secrets.Set(x.r.Context(), x.caller.app, in.Name, in.Body.Value, match.number); err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "secret-set", "", in.Name)
	return &none{}, nil
}

type secretDeletion struct {
	Name    string `path:"name"`
	IfMatch string `header:"If-Match" doc:"the secret's revision, in quotes: another since then is a CONFLICT"`
}

func (s *Server) deleteSecret(x *exchange, in *secretDeletion) (*none, error) {
	if err := hooks.CheckName("secret", in.Name); err != nil {
		return nil, err
	}
	match, err := ifMatch(in.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := s.config.Secrets.Delete(x.r.Context(), x.caller.app, in.Name, match.number); err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "secret-delete", in.Name, "")
	return &none{}, nil
}
