package hooks

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// maxUpstreams is how many services a project declares at most.
const maxUpstreams = 200

// upstreams reads services.
func (l *loader) upstreams(n ast.Node) {
	if n.Type() == ast.NullType {
		return
	}
	pairs, ok := mappingOf(n)
	if !ok {
		l.at(n, "services must be a mapping of names to their upstream and routes")
		return
	}
	if len(pairs) > maxUpstreams {
		l.at(n, "there are %d services; at most %d are allowed", len(pairs), maxUpstreams)
		return
	}
	declared := map[string]*Upstream{}
	for _, pair := range pairs {
		name := pair.Key.GetToken().Value
		if err := CheckName("service", name); err != nil {
			l.at(pair.Key, "%s", AsError(err).Message)
			continue
		}
		if value := l.resolve(pair.Value); value != nil {
			declared[name] = l.upstream(value)
		}
	}
	l.release.Services = declared
}

func (l *loader) upstream(n ast.Node) *Upstream {
	u := &Upstream{}
	o := l.object(n, "a service", map[string]setter{
		"upstream": l.upstreamURL(&u.URL),
		"routes":   l.list("routes", func(n ast.Node) { l.route(n, u) }),
		"headers":  l.upstreamHeaders(u),
	})
	l.needs(o, "a service", "upstream")
	if at, ok := o.value("headers"); ok {
		l.refer(at)
	}
	l.checkRoutes(o, u)
	return u
}

func (l *loader) upstreamURL(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			l.at(n, "an upstream is a URL such as https://example.com/base, without user, query and fragment")
			return
		}
		*s = v
	}
}

func (l *loader) upstreamHeaders(u *Upstream) setter {
	return func(n ast.Node) {
		pairs, ok := mappingOf(n)
		if !ok {
			l.at(n, "headers must be a mapping of names to texts")
			return
		}
		u.Headers = map[string]string{}
		for _, pair := range pairs {
			name := pair.Key.GetToken().Value
			if !ValidName(name) {
				l.at(pair.Key, "%.80q is not the name of a header", name)
				continue
			}
			if value, ok := l.scalar(l.resolve(pair.Value)); ok {
				u.Headers[name] = value
			}
		}
	}
}

func (l *loader) route(n ast.Node, u *Upstream) {
	var r Route
	o := l.object(n, "a route", map[string]setter{"match": l.text(&r.Match), "operation": l.name("operation", &r.Operation)})
	l.needs(o, "a route", "match", "operation")
	u.Routes = append(u.Routes, r)
}

// checkRoutes tells of patterns that net/http does not take, or that say the same as another.
func (l *loader) checkRoutes(o object, u *Upstream) {
	mux := http.NewServeMux()
	for _, r := range u.Routes {
		if r.Match == "" {
			continue // told
		}
		if err := register(mux, r.Match); err != nil {
			l.at(o.at("routes"), "route %.100q %s", r.Match, err.Error())
		}
	}
}

// register adds a pattern to a mux, which panics if it cannot.
func register(mux *http.ServeMux, pattern string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if err = errors.New("says the same as another"); !strings.Contains(fmt.Sprint(p), "conflicts with") {
				err = errors.New("is not a pattern such as \"POST /events/{id}\"")
			}
		}
	}()
	mux.Handle(pattern, http.NotFoundHandler())
	return nil
}
