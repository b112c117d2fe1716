package edge

import (
	"net/http"
	"time"

	"gaff/hooks"
)

type keyInput struct {
	Body struct {
		App     string        `json:"app,omitempty" doc:"default: the caller's"`
		Name    string        `json:"name,omitempty" doc:"for people"`
		Scopes  []hooks.Scope `json:"scopes"`
		Expires *time.Time    `json:"expires,omitempty" doc:"default: never"`
		Rate    float64       `json:"rate,omitempty" doc:"requests a second that each server takes, in bursts of as many; default: any"`
		Signed  bool          `json:"signed,omitempty" doc:"requests must be signed with a secret that is shown with the key"`
	}
}

// newKeyBody is a key when it is made: the only time that it is shown.
type newKeyBody struct {
	ID      string        `json:"id"`
	Key     string        `json:"key"`
	App     string        `json:"app"`
	Name    string        `json:"name,omitempty"`
	Scopes  []hooks.Scope `json:"scopes"`
	Expires *time.Time    `json:"expires,omitempty"`
	Rate    float64       `json:"rate,omitempty"`
	Signing string        `json:"signingSecret,omitempty"`
}

type idInput struct {
	ID string `path:"id"`
}

func (a *api) keys() {
	s := a.server
	serve(a, operation{id: "list-keys", method: http.MethodGet, path: "/v1/keys", summary: "List keys, without the keys themselves"}, s.listKeys)
	serve(a, operation{id: "create-key", method: http.MethodPost, path: "/v1/keys", summary: "Make a key; it is shown this once",
		status: http.StatusCreated}, s.createKey)
	serve(a, operation{id: "revoke-key", method: http.MethodDelete, path: "/v1/keys/{id}", summary: "Revoke a key"}, s.revokeKey)
}

func (s *Server) listKeys(x *exchange, _ *none) (*tagged[[]hooks.Key], error) {
	list, err := s.config.Keys.List(x.r.Context(), x.caller.app)
	if err != nil {
		return nil, err
	}
	keys := make([]hooks.Key, len(list))
	for i, k := range list {
		keys[i] = k.Public()
	}
	return &tagged[[]hooks.Key]{Body: keys}, nil
}

func (s *Server) createKey(x *exchange, in *keyInput) (*tagged[newKeyBody], error) {
	app := x.caller.app
	switch want := in.Body.App; {
	case want == "" || want == app:
	case !x.caller.operates():
		return nil, hooks.Errorf(hooks.CodeForbidden, "the key is not one of app %.64q", want)
	case x.caller.named:
		return nil, hooks.Errorf(hooks.CodeBadRequest, "field \"app\" says %.64q and the header Gaff-App %s", want, app)
	default:
		app = want
	}
	if e := in.Body.Expires; e != nil && !e.After(time.Now()) {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "the key would have expired before it is made")
	}
	if r := in.Body.Rate; r < 0 || r > hooks.MaxRate {
		return nil, hooks.Errorf(hooks.CodeBadRequest, "a key's rate is a number of requests a second, from 0 (any) to %g", hooks.MaxRate)
	}
	key, secret, err := hooks.NewKey(app, in.Body.Name, in.Body.Scopes, in.Body.Expires)
	if err != nil {
		return nil, err
	}
	key.Rate = in.Body.Rate
	signing := ""
	if in.Body.Signed {
		signing = hooks.NewSigningSecret()
	}
	if err := s.config.Keys.Create(x.r.Context(), key, signing); err != nil {
		return nil, err
	}
	s.audit(x, app, "key-create", "", key.ID)
	x.w.Header().Set("Cache-Control", "no-store")
	return &tagged[newKeyBody]{
		Body: newKeyBody{key.ID, secret, key.App, key.Name, key.Scopes, key.Expires, key.Rate, signing},
	}, nil
}

func (s *Server) revokeKey(x *exchange, in *idInput) (*none, error) {
	if !hooks.ValidKeyID(in.ID) {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is no key %.40q", in.ID)
	}
	if err := s.config.Keys.Revoke(x.r.Context(), x.caller.app, in.ID); err != nil {
		return nil, err
	}
	s.audit(x, x.caller.app, "key-revoke", in.ID, "")
	return &none{}, nil
}
