package edge

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"gaff/hooks"
)

// caller is who sent a request, and what it may do.
type caller struct {
	app    string
	named  bool // the request says which app, rather than leave it to the default
	admin  bool // everything, of every app
	origin hooks.Origin
}

// access decides who callers are.
type access struct {
	adminKey string
	adminSum [sha256.Size]byte
	open     bool
}

func newAccess(adminKey string, open bool) access {
	return access{adminKey: adminKey, adminSum: sha256.Sum256([]byte(adminKey)), open: open}
}

// caller returns who sent r, or an UNAUTHORIZED error. Without the admin key, an open server's callers may do all but
// speak for another server.
func (a *access) caller(r *http.Request) (caller, error) {
	keyed := a.hasAdminKey(r)
	if !keyed && !a.open {
		return caller{}, hooks.Errorf(hooks.CodeUnauthorized, "send a valid key, as Authorization: Bearer KEY or x-api-key: KEY")
	}
	c := caller{app: hooks.DefaultApp, admin: true, origin: hooks.Client}
	if app := r.Header.Get("Gaff-App"); app != "" {
		if err := hooks.CheckName("app", app); err != nil {
			return caller{}, err
		}
		c.app, c.named = app, true
	}
	switch origin := hooks.Origin(r.Header.Get("Gaff-Origin")); {
	case origin == "" || origin == hooks.Client:
	case origin != hooks.S2S:
		return caller{}, hooks.Errorf(hooks.CodeBadRequest, "Gaff-Origin %.20q: use client or s2s", origin)
	case !keyed:
		return caller{}, hooks.Errorf(hooks.CodeForbidden, "Gaff-Origin: s2s needs the admin key")
	default:
		c.origin = origin
	}
	return c, nil
}

// hasAdminKey reports whether a header of r has the admin key.
func (a *access) hasAdminKey(r *http.Request) bool {
	if a.adminKey == "" {
		return false
	}
	for _, name := range []string{"X-Api-Key", "X-Apikey", "Authorization"} {
		for _, key := range r.Header[name] {
			if name == "Authorization" {
				scheme, rest, _ := strings.Cut(key, " ")
				if !strings.EqualFold(scheme, "Bearer") {
					continue
				}
				key = strings.TrimSpace(rest)
			}
			sum := sha256.Sum256([]byte(key)) // of equal lengths, whatever the key's
			if subtle.ConstantTimeCompare(sum[:], a.adminSum[:]) == 1 {
				return true
			}
		}
	}
	return false
}

// carriesAdminKey reports whether a script must not see the header's value.
func (a *access) carriesAdminKey(value string) bool {
	return a.adminKey != "" && strings.Contains(value, a.adminKey)
}
