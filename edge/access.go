package edge

import (
	"crypto/sha256"
	"crypto/subtle"
	"iter"
	"net/http"
	"slices"
	"strings"

	"gaff/hooks"
)

// caller is who sent a request, and what it may do.
type caller struct {
	app    string
	named  bool       // the request says which app, rather than leave it to the default
	key    *hooks.Key // nil: the operator, who may do everything of every app
	actor  string     // as the audit trail names it: a key's id, admin or dev
	keyed  bool       // by a key, rather than by nothing, which is enough on an open server
	origin hooks.Origin
	token  string   // what Authorization bears, if that is no key
	hidden []string // keys that scripts must not see
}

// operates reports whether the caller is the operator.
func (c *caller) operates() bool { return c.key == nil }

// may reports whether the caller has the scope.
func (c *caller) may(s hooks.Scope) bool { return c.key == nil || c.key.Allows(s) }

// allowed returns a FORBIDDEN error if the route is not for the caller.
func (c *caller) allowed(rt *route) error {
	switch {
	case rt.operator && !c.operates():
		return hooks.Errorf(hooks.CodeForbidden, "only the operator's admin key may do this")
	case len(rt.scopes) > 0 && !slices.ContainsFunc(rt.scopes, c.may):
		return hooks.Errorf(hooks.CodeForbidden, "the key lacks the scope %s", rt.scopes[0])
	}
	return nil
}

// mustHide reports whether a script must not see a header's value.
func (c *caller) mustHide(value string) bool {
	return slices.ContainsFunc(c.hidden, func(key string) bool { return strings.Contains(value, key) })
}

// access decides who callers are.
type access struct {
	authority  Authority
	signatures Signatures
	rates      *rates
	adminKey   string
	adminSum   [sha256.Size]byte
	open       bool
}

func newAccess(c *Config) access {
	return access{
		authority: c.Authority, signatures: c.Signatures, rates: newRates(),
		adminKey: c.AdminKey, adminSum: sha256.Sum256([]byte(c.AdminKey)), open: c.Open,
	}
}

// caller returns who sent r, or an UNAUTHORIZED or FORBIDDEN error. Without a key, an open server's callers may do all
// but speak for another server.
func (a *access) caller(r *http.Request) (caller, error) {
	c, err := a.identify(r)
	if err != nil {
		return c, err
	}
	if app := r.Header.Get("Gaff-App"); app != "" {
		if err := hooks.CheckName("app", app); err != nil {
			return c, err
		}
		if c.key != nil && app != c.app {
			return c, hooks.Errorf(hooks.CodeForbidden, "the key is not one of app %s", app)
		}
		c.app, c.named = app, true
	}
	switch origin := hooks.Origin(r.Header.Get("Gaff-Origin")); {
	case origin == "" || origin == hooks.Client:
		c.origin = hooks.Client
	case origin != hooks.S2S:
		return c, hooks.Errorf(hooks.CodeBadRequest, "Gaff-Origin %.20q: use client or s2s", origin)
	case !c.keyed || !c.may(hooks.ScopeAdmin):
		return c, hooks.Errorf(hooks.CodeForbidden, "Gaff-Origin: s2s needs a key with scope admin")
	default:
		c.origin = origin
	}
	return c, nil
}

// identify finds the key of r. The operator's comes before any other; what has not the form of a key is the script's
// business, since scripts compare keys of their own.
func (a *access) identify(r *http.Request) (caller, error) {
	c := caller{app: hooks.DefaultApp, actor: "dev"}
	admin := false
	var refused error
	for value, bearer := range credentials(r) {
		if a.isAdminKey(value) {
			admin = true
			c.hidden = append(c.hidden, value)
			continue
		}
		if _, ok := hooks.KeyID(value); !ok {
			if bearer && c.token == "" {
				c.token = value
			}
			continue
		}
		key, err := a.authority.Check(value)
		if err == nil {
			err = a.holds(r, &key)
		}
		if err != nil {
			refused = err
			continue
		}
		if key.Allows(hooks.ScopeAdmin) {
			c.hidden = append(c.hidden, value)
		}
		if c.key == nil {
			c.key = &key
		}
	}
	switch {
	case admin:
		c.key, c.keyed, c.actor = nil, true, "admin"
	case c.key != nil:
		c.app, c.keyed, c.actor = c.key.App, true, c.key.ID
	case refused != nil:
		return c, refused
	case !a.open:
		return c, hooks.Errorf(hooks.CodeUnauthorized, "send a valid key, as Authorization: Bearer KEY or x-api-key: KEY")
	}
	return c, nil
}

// holds checks what else the key asks of a request.
func (a *access) holds(r *http.Request, key *hooks.Key) error {
	if key.Signed {
		if err := a.signed(r, key); err != nil {
			return err
		}
	}
	return a.rates.take(key)
}

// credentials are the values that may be keys; bearer says that one stands in Authorization.
func credentials(r *http.Request) iter.Seq2[string, bool] {
	return func(yield func(string, bool) bool) {
		for _, name := range []string{"X-Api-Key", "X-Apikey"} {
			for _, value := range r.Header[name] {
				if !yield(value, false) {
					return
				}
			}
		}
		for _, value := range r.Header["Authorization"] {
			if token, ok := bearerToken(value); ok && !yield(token, true) {
				return
			}
		}
	}
}

// bearerToken is what follows the scheme Bearer.
func bearerToken(header string) (string, bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	return strings.TrimSpace(rest), strings.EqualFold(scheme, "Bearer")
}

func (a *access) isAdminKey(key string) bool {
	sum := sha256.Sum256([]byte(key)) // of equal lengths, whatever the key's
	return a.adminKey != "" && subtle.ConstantTimeCompare(sum[:], a.adminSum[:]) == 1
}
