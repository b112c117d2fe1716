package edge

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"gaff/hooks"
)

// local refuses requests to an open server that a browser sends for another site: by a foreign name that resolves to
// this machine, or from a foreign page.
func (a *access) local(r *http.Request) error {
	if !a.open {
		return nil
	}
	if !localHost(r.Host) {
		return hooks.Errorf(hooks.CodeForbidden, "host %.100q: without keys, the server answers only to localhost, 127.0.0.0/8 and [::1]", r.Host)
	}
	for _, origin := range r.Header["Origin"] {
		if !localOrigin(origin) {
			return hooks.Errorf(hooks.CodeForbidden, "origin %.100q: without keys, pages of other sites may not call the server", origin)
		}
	}
	return nil
}

func localOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Opaque == "" && u.User == nil &&
		u.Path == "" && localHost(u.Host)
}

// localHost reports whether host, with or without a port, is this machine.
func localHost(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		if !isPort(host[i+1:]) {
			return false
		}
		host = host[:i]
	}
	if strings.EqualFold(host, "localhost") || host == "[::1]" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Is4() && addr.IsLoopback()
}

func isPort(s string) bool {
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}
