package outbound

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"gaff/hooks"
)

// ours are headers that the connection needs as it is. Compression is the transport's: it bounds what it unpacks.
var ours = map[string]bool{
	"Connection": true, "Content-Length": true, "Transfer-Encoding": true, "Upgrade": true, "Te": true, "Trailer": true,
	hooks.DepthHeader: true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authorization": true, "Expect": true, "Accept-Encoding": true,
}

func (m *message) setHeaders(r *http.Request, target *target) error {
	r.Header.Set("User-Agent", "gaff")
	if len(m.Headers) > maxHeaders {
		return hooks.Errorf(hooks.CodeBadRequest, "a request has at most %d headers", maxHeaders)
	}
	size, set := 0, map[string]bool{}
	for _, h := range m.Headers {
		name, value := http.CanonicalHeaderKey(h[0]), h[1]
		if size += len(name) + len(value); size > maxHeaderBytes {
			return hooks.Errorf(hooks.CodeBadRequest, "the headers have more than %d bytes", maxHeaderBytes)
		}
		if !validHeader(name, value) {
			return hooks.Errorf(hooks.CodeBadRequest, "%.40q is not a header that can be sent", h[0])
		}
		switch {
		case ours[name]:
		case name == "Host":
			if target.service == "" { // whose host the project says
				r.Host = value
			}
		case set[name]:
			r.Header.Add(name, value)
		default:
			set[name] = true
			r.Header.Set(name, value)
		}
	}
	for name, value := range target.headers {
		if !validHeader(name, value) {
			return hooks.Errorf(hooks.CodeBadRequest, "the header %.40q of service %s cannot be sent", name, target.service)
		}
		r.Header.Set(name, value)
	}
	return nil
}

// carry adds what a request says of the event behind it: how deep it is, so that a loop over our own HTTP ends, and of which
// trace, unless the script says that.
func carry(r *http.Request, e *hooks.Event) {
	r.Header.Set(hooks.DepthHeader, strconv.Itoa(e.Depth+1))
	if next := hooks.NextTrace(e.Trace); next != "" && r.Header.Get(hooks.TraceHeader) == "" {
		r.Header.Set(hooks.TraceHeader, next)
	}
}

// validHeader reports whether a header may be sent: the name is a token, and the value has no control characters.
func validHeader(name, value string) bool {
	if name == "" {
		return false
	}
	for _, c := range []byte(name) {
		if !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", rune(c)) {
			return false
		}
	}
	return !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// secretHeader reports whether a header by its name opens something.
func secretHeader(name string) bool {
	lower := strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "key", "token", "secret", "cookie", "session", "signature", "pass", "credential", "jwt"},
		func(part string) bool { return strings.Contains(lower, part) })
}
