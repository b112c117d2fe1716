package hooks

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// sessions reads how callers' tokens are verified.
func (l *loader) sessions(n ast.Node) {
	s := Sessions{Header: "authorization"}
	told := len(l.problems)
	algorithms := append(sharedAlgorithms(), publicAlgorithms()...)
	o := l.object(n, "sessions", map[string]setter{
		"secret":     l.text(&s.Secret),
		"jwks":       l.jwks(&s.JWKS),
		"algorithms": words(l, "algorithms", &s.Algorithms, func(a *string) setter { return oneOf(l, a, algorithms...) }),
		"issuer":     l.text(&s.Issuer),
		"audience":   l.text(&s.Audience),
		"header":     l.header(&s.Header),
	})
	if len(l.problems) > told {
		return
	}
	if s.Algorithms == nil {
		l.at(o.node, "sessions need algorithms, such as [HS256]")
	}
	fits := publicAlgorithms()
	switch {
	case s.Secret != "" && s.JWKS != "":
		l.at(o.at("jwks"), "sessions have a secret or a jwks, not both")
		return
	case s.Secret != "":
		fits = sharedAlgorithms()
	case s.JWKS == "":
		l.at(o.node, "sessions need a secret or a jwks")
		return
	}
	for _, a := range s.Algorithms {
		if !slices.Contains(fits, a) {
			l.at(o.at("algorithms"), "algorithm %s does not go with what verifies the tokens: use %s", a, enumerate(fits, "or"))
		}
	}
	l.refer(n)
	l.release.Sessions = &s
}

// jwks reads a URL whose content nobody on the way can change.
func (l *loader) jwks(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		u, err := url.Parse(v)
		if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
			l.at(n, "jwks must be a URL that begins with https://, or with http:// on this machine")
			return
		}
		*s = v
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// header reads the name of a request header.
func (l *loader) header(s *string) setter {
	return func(n ast.Node) {
		v, ok := l.scalar(n)
		if !ok {
			return
		}
		if !ValidName(v) {
			l.at(n, "%.80q is not the name of a header", v)
			return
		}
		*s = strings.ToLower(v)
	}
}
