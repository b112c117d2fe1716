package edge

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"gaff/hooks"
)

// handler answers an exchange, or returns the error that does.
type handler func(*exchange) error

// route is a path with its methods.
type route struct {
	pattern   string
	methods   map[string]handler // HEAD is GET
	public    bool               // needs no key
	scopes    []hooks.Scope      // a key needs one of them
	operator  bool               // no app's key is enough
	override  bool               // a POST may name another method in X-HTTP-Method-Override
	once      bool               // a request with an Idempotency-Key is carried out once
	enveloped bool               // errors are as /rpc has them
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := newAPI(s)
	for _, rt := range api.routes {
		mux.Handle(rt.pattern, s.serve(rt))
	}
	list := map[string]handler{http.MethodGet: s.rest, http.MethodPost: s.rest}
	events, log := []hooks.Scope{hooks.ScopeAPI, hooks.ScopeAdmin}, []hooks.Scope{hooks.ScopeLog, hooks.ScopeAdmin}
	for _, rt := range []route{ // the scopes of /rest depend on the collection: see collectionScopes
		{pattern: "/rest/{collection}", methods: list, override: true, once: true},
		{pattern: "/rest/{collection}/{$}", methods: list, override: true, once: true},
		{pattern: "/rest/{collection}/*", methods: map[string]handler{http.MethodDelete: s.rest}, override: true, once: true},
		{pattern: "/rest/{collection}/{id}", override: true, once: true, methods: map[string]handler{
			http.MethodGet: s.rest, http.MethodPut: s.rest, http.MethodPatch: s.rest, http.MethodDelete: s.rest,
		}},
		s.rpcRoute(),
		{pattern: "/v1/events", scopes: events, once: true, methods: map[string]handler{http.MethodPost: s.event}},
		{pattern: "/v1/logs", scopes: log, methods: map[string]handler{http.MethodGet: s.logs}},
		{pattern: "/v1/logs/stream", scopes: log, methods: map[string]handler{http.MethodGet: s.stream}},
		{pattern: "/openapi.json", public: true, methods: map[string]handler{http.MethodGet: api.description()}},
	} {
		mux.Handle(rt.pattern, s.serve(&rt))
	}
	s.health(mux)
	return s.complete(mux, &route{})
}

// health adds the routes that say how the process is.
func (s *Server) health(mux *http.ServeMux) {
	routes := []route{
		{pattern: "/livez", public: true, methods: map[string]handler{http.MethodGet: s.livez}},
		{pattern: "/readyz", public: true, methods: map[string]handler{http.MethodGet: s.readyz}},
	}
	if s.config.Metrics != nil {
		routes = append(routes, route{pattern: "/metrics", public: true, methods: map[string]handler{http.MethodGet: s.metrics}})
	}
	for _, rt := range routes {
		mux.Handle(rt.pattern, s.serve(&rt))
	}
}

// complete has nowhere answer for every other path, and for those that the mux would redirect, in a shape of its own.
func (s *Server) complete(mux *http.ServeMux, nowhere *route) http.Handler {
	missing := s.serve(nowhere)
	mux.Handle("/", missing)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !clean(r.URL.EscapedPath()) {
			missing.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// clean reports whether the path has neither empty segments nor dots to resolve.
func clean(path string) bool {
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") &&
		!strings.Contains(path, "/./") && !strings.HasSuffix(path, "/.") &&
		!strings.Contains(path, "/../") && !strings.HasSuffix(path, "/..")
}

// handler returns the one of the exchange's method, which it sets.
func (rt *route) handler(x *exchange) (handler, error) {
	if rt.methods == nil {
		return nil, hooks.Errorf(hooks.CodeNotFound, "there is nothing at %.200q", x.r.URL.Path)
	}
	switch x.method = x.r.Method; {
	case x.method == http.MethodHead:
		x.method = http.MethodGet
	case x.method == http.MethodPost && rt.override:
		if method := x.r.Header.Get("X-HTTP-Method-Override"); method != "" {
			x.method = strings.ToUpper(method)
		}
	}
	if h, ok := rt.methods[x.method]; ok {
		return h, nil
	}
	allowed := slices.Collect(maps.Keys(rt.methods))
	if rt.methods[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
	}
	slices.Sort(allowed)
	allow := strings.Join(allowed, ", ")
	x.w.Header().Set("Allow", allow)
	err := hooks.Errorf(hooks.CodeBadRequest, "%.20q is not possible here; use %s", x.method, allow)
	err.Status = http.StatusMethodNotAllowed
	return nil, err
}
