package edge

import (
	"maps"
	"net/http"
	"slices"

	"gaff/hooks"
)

func (a *api) doctor() {
	serve(a, operation{id: "doctor", method: http.MethodGet, path: "/v1/doctor", summary: "Say what the server lacks", operator: true}, a.server.examine)
}

// examine asks every check, and whatever else the configuration has to find out.
func (s *Server) examine(x *exchange, _ *none) (*tagged[[]hooks.Finding], error) {
	failed := s.ready.ask()
	findings := []hooks.Finding{}
	for _, name := range slices.Sorted(maps.Keys(s.config.Checks)) {
		f := hooks.Finding{Name: name, OK: true}
		if err := failed[name]; err != nil {
			f.OK, f.Detail = false, err.Error()
		}
		findings = append(findings, f)
	}
	if s.config.Doctor != nil {
		findings = append(findings, s.config.Doctor(x.r.Context())...)
	}
	return &tagged[[]hooks.Finding]{Body: findings}, nil
}
