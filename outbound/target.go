package outbound

import (
	"net/url"
	"path"
	"strings"

	"gaff/hooks"
)

// maxURL is the longest URL that is requested, in bytes.
const maxURL = 16 << 10

// target is where a request goes.
type target struct {
	url     *url.URL
	service string // declared in gaff.yaml; empty: an address of the script's own
	label   string // what logs and errors show instead
	base    *url.URL
	headers map[string]string // of the service
}

// target reads where the message goes.
func (m *message) target(t *hooks.Table) (*target, error) {
	if len(m.URL) > maxURL {
		return nil, failure(codeBadURL, "the URL has %d bytes; at most %d can be requested", len(m.URL), maxURL)
	}
	u, err := url.Parse(strings.TrimSpace(m.URL))
	if err != nil {
		return nil, failure(codeBadURL, "%.100q is not a URL such as https://example.com/path", withoutQuery(m.URL))
	}
	if m.Service != "" {
		return m.onService(t, u)
	}
	if err := checkURL(u); err != nil {
		return nil, explained(u.Hostname(), err)
	}
	u.Fragment = ""
	return &target{url: u, label: m.label}, nil
}

// onService is a path of a service that the project declares.
func (m *message) onService(t *hooks.Table, u *url.URL) (*target, error) {
	service := t.Upstream(m.Service)
	if service == nil {
		return nil, hooks.Errorf(hooks.CodeNotFound, "gaff.yaml declares no service %.80s", m.Service)
	}
	base, err := url.Parse(service.URL)
	if err != nil {
		return nil, hooks.Errorf(hooks.CodeHookError, "the upstream of service %s is not a URL", m.Service)
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || strings.Contains(u.Path, "\\") {
		return nil, failure(codeBlocked, "service %s: the request must be for a path on it", m.Service)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if segment == ".." || segment == "." {
			return nil, failure(codeBlocked, "service %s: the path must not have %q in it", m.Service, segment)
		}
	}
	to := *base
	to.Path = strings.TrimSuffix(base.Path, "/") + "/" + strings.TrimPrefix(u.Path, "/")
	to.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + "/" + strings.TrimPrefix(u.EscapedPath(), "/")
	to.RawQuery, to.Fragment = u.RawQuery, ""
	return &target{url: &to, service: m.Service, base: base, headers: service.Headers}, nil
}

// within reports whether a URL is one of the service.
func (t *target) within(u *url.URL) bool {
	base := strings.TrimSuffix(path.Clean("/"+t.base.Path), "/")
	at := path.Clean("/" + u.Path)
	return u.Scheme == t.base.Scheme && u.Host == t.base.Host && (at == base || strings.HasPrefix(at, base+"/"))
}

// shown is the target as logs and errors have it: without credentials and query.
func (t *target) shown() string {
	if t.label != "" {
		return t.label
	}
	if t.service != "" {
		return t.service + strings.TrimPrefix(t.url.Path, strings.TrimSuffix(t.base.Path, "/"))
	}
	return t.url.Scheme + "://" + t.url.Host + t.url.Path
}

func withoutQuery(s string) string {
	s, _, _ = strings.Cut(s, "?")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	return s
}
