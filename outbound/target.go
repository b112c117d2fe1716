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
	label   string // what logs and errors show of it; empty: the URL without its query
	base    *url.URL
	headers map[string]string // of the service
}

// target reads where the message goes. It returns what to show of it in any case.
func (m *message) target(t *hooks.Table) (*target, error) {
	to := &target{service: m.Service, label: m.label}
	if to.label == "" {
		label := withoutQuery(m.URL)
		if m.Service != "" {
			label = m.Service + "/" + strings.TrimPrefix(label, "/")
		}
		to.label = cut(label, maxShown)
	}
	if len(m.URL) > maxURL {
		return to, failure(codeBadURL, "the URL has %d bytes; at most %d can be requested", len(m.URL), maxURL)
	}
	u, err := url.Parse(strings.TrimSpace(m.URL))
	if err != nil {
		return to, failure(codeBadURL, "%.100q is not a URL such as https://example.com/path", to.label)
	}
	if m.Service != "" {
		return to, to.onService(t, u)
	}
	u.Fragment = ""
	if to.url, err = u, checkURL(u); err == nil && m.label == "" {
		to.label = ""
	}
	return to, err
}

// onService makes the target a path of a service that the project declares.
func (t *target) onService(table *hooks.Table, u *url.URL) error {
	declared := table.Upstream(t.service)
	if declared == nil {
		return hooks.Errorf(hooks.CodeNotFound, "gaff.yaml declares no service %.80s", t.service)
	}
	base, err := url.Parse(declared.URL)
	if err != nil {
		return hooks.Errorf(hooks.CodeHookError, "the upstream of service %s is not a URL", t.service)
	}
	if u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || strings.Contains(u.Path, "\\") {
		return failure(codeBlocked, "service %s: the request must be for a path on it", t.service)
	}
	for segment := range strings.SplitSeq(u.Path, "/") {
		if name, _, _ := strings.Cut(segment, ";"); name == ".." || name == "." { // servers of Java drop what follows the semicolon
			return failure(codeBlocked, "service %s: the path must not have %q in it", t.service, name)
		}
	}
	to := *base
	if u.Path != "" {
		to.Path = strings.TrimSuffix(base.Path, "/") + "/" + strings.TrimPrefix(u.Path, "/")
		to.RawPath = strings.TrimSuffix(base.EscapedPath(), "/") + "/" + strings.TrimPrefix(u.EscapedPath(), "/")
	}
	to.RawQuery, to.Fragment = u.RawQuery, ""
	t.url, t.base, t.headers, t.label = &to, base, declared.Headers, ""
	return nil
}

// within reports whether a URL is one of the service.
func (t *target) within(u *url.URL) bool {
	base := strings.TrimSuffix(path.Clean("/"+t.base.Path), "/")
	at := path.Clean("/" + u.Path)
	return u.Scheme == t.base.Scheme && u.Host == t.base.Host && (at == base || strings.HasPrefix(at, base+"/"))
}

// shown is the target as logs and errors have it: without credentials and query.
func (t *target) shown() string {
	switch {
	case t.label != "":
		return t.label
	case t.service != "":
		return cut(t.service+strings.TrimPrefix(t.url.Path, strings.TrimSuffix(t.base.Path, "/")), maxShown)
	}
	return cut(t.url.Scheme+"://"+t.url.Host+t.url.Path, maxShown)
}

// maxShown is how much of a URL logs and errors show, in bytes.
const maxShown = 300

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func withoutQuery(s string) string {
	s, _, _ = strings.Cut(s, "?")
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	return s
}
