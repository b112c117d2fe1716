package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gaff/hooks"
)

const sharedSecret = "the-shared-secret-of-the-tests-0123456789"

func sign(t *testing.T, method jwt.SigningMethod, key any, claims jwt.MapClaims, kid string) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	if kid != "" {
		token.Header["kid"] = kid
	}
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sessionWorld is a world whose app shop has sessions.
func sessionWorld(s hooks.Sessions) *world {
	w := &world{}
	table := hooks.NewTable(&hooks.Release{App: shop, Number: 1})
	table.Sessions = &s
	w.tables.Set(table)
	return w
}

func TestSessions(t *testing.T) {
	t.Parallel()
	s := hooks.Sessions{Secret: sharedSecret, Algorithms: []string{"HS256"}, Issuer: "me", Audience: "shop", Header: "authorization"}
	claims := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"sub": "ann", "iss": "me", "aud": "shop", "exp": time.Now().Add(time.Hour).Unix(), "big": 9007199254740993}
		if change != nil {
			change(c)
		}
		return c
	}
	secret := []byte(sharedSecret)
	hs := jwt.SigningMethodHS256
	good := sign(t, hs, secret, claims(nil), "")
	parts := strings.Split(good, ".")
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token string
		has         string // of the error; empty: the token is valid
	}{
		{"valid", good, ""},
		{"expired", sign(t, hs, secret, claims(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Second).Unix() }), ""), "expired"},
		{"not yet", sign(t, hs, secret, claims(func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), ""), "not valid yet"},
		{"audience", sign(t, hs, secret, claims(func(c jwt.MapClaims) { c["aud"] = "zoo" }), ""), "audience"},
		{"no audience", sign(t, hs, secret, claims(func(c jwt.MapClaims) { delete(c, "aud") }), ""), "not valid"},
		{"issuer", sign(t, hs, secret, claims(func(c jwt.MapClaims) { c["iss"] = "you" }), ""), "issuer"},
		{"none", sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil), ""), "algorithm"},
		{"none in capitals", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NONE"}`)) + "." + parts[1] + ".", "algorithm"},
		{"other algorithm", sign(t, jwt.SigningMethodHS512, secret, claims(nil), ""), "algorithm"},
		{"public key algorithm", sign(t, jwt.SigningMethodRS256, rsaKey, claims(nil), ""), "algorithm"},
		{"bad signature", sign(t, hs, []byte("another secret"), claims(nil), ""), "signature"},
		{"claims of another", parts[0] + "." + strings.Split(sign(t, hs, []byte("x"), claims(func(c jwt.MapClaims) { c["sub"] = "eve" }), ""), ".")[1] + "." + parts[2], "signature"},
		{"no signature", parts[0] + "." + parts[1] + ".", "signature"},
		{"malformed", "a.b", "not a JWT"},
		{"text", "hello", "not a JWT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := sessionWorld(s)
			key := w.key(shop, nil, hooks.ScopeData)
			q := request{target: "/rest/a", keyless: true, status: 200, header: map[string]string{"X-Apikey": key, "Authorization": "Bearer " + c.token}}
			if c.has != "" {
				q.status, q.code, q.has = 401, hooks.CodeUnauthorized, c.has
			}
			answer := q.run(t, newServer(t, w, nil).Handler())
			if c.has != "" {
				if len(w.calls) > 0 || strings.Contains(answer.Body.String(), c.token) || answer.Header().Get("WWW-Authenticate") == "" {
					t.Errorf("%d calls, %s", len(w.calls), answer.Body)
				}
				return
			}
			if session := string(w.call(t).Session); !strings.Contains(session, `"sub":"ann"`) || !strings.Contains(session, "9007199254740993") {
				t.Errorf("session %s", session)
			}
		})
	}
}

func TestAnonymousSessions(t *testing.T) {
	t.Parallel()
	s := hooks.Sessions{Secret: sharedSecret, Algorithms: []string{"HS256"}, Header: "x-session"}
	valid := sign(t, jwt.SigningMethodHS256, []byte(sharedSecret), jwt.MapClaims{"sub": "ann"}, "")
	for _, c := range []struct {
		name    string
		header  map[string]string
		session string
	}{
		{"none", nil, ""},
		{"in another header", map[string]string{"Authorization": "Bearer " + valid}, ""},
		{"in its header", map[string]string{"X-Session": valid}, `{"sub":"ann"}`},
		{"as a bearer", map[string]string{"X-Session": "Bearer " + valid}, `{"sub":"ann"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := sessionWorld(s)
			q := request{target: "/rest/a", status: 200, header: map[string]string{"Gaff-App": shop}}
			for name, value := range c.header {
				q.header[name] = value
			}
			q.run(t, newServer(t, w, nil).Handler())
			if got := string(w.call(t).Session); got != c.session {
				t.Errorf("session %s, want %s", got, c.session)
			}
		})
	}
	t.Run("the app has no sessions", func(t *testing.T) {
		t.Parallel()
		w := &world{}
		q := request{target: "/rest/a", status: 200, header: map[string]string{"Authorization": "Bearer " + valid}}
		q.run(t, newServer(t, w, nil).Handler())
		if got := w.call(t).Session; got != nil {
			t.Errorf("session %s", got)
		}
	})
}

func TestSessionsByKeySet(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{
		{"kty": "RSA", "kid": "r1", "alg": "RS256", "n": b64(rsaKey.N.Bytes()), "e": b64(big.NewInt(int64(rsaKey.E)).Bytes())},
		{"kty": "EC", "kid": "e1", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		{"kty": "RSA", "kid": "enc", "use": "enc", "n": b64(rsaKey.N.Bytes()), "e": "AQAB"},
		{"kty": "oct", "kid": "odd", "k": "AAAA"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var fetched atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fetched.Add(1)
		w.Write(set)
	}))
	t.Cleanup(server.Close)
	w := sessionWorld(hooks.Sessions{JWKS: server.URL, Algorithms: []string{"RS256", "ES256"}, Header: "authorization"})
	h := newServer(t, w, nil).Handler()
	claims := jwt.MapClaims{"sub": "ann"}
	for _, c := range []struct {
		name, token, has string
	}{
		{"RSA", sign(t, jwt.SigningMethodRS256, rsaKey, claims, "r1"), ""},
		{"EC", sign(t, jwt.SigningMethodES256, ecKey, claims, "e1"), ""},
		{"unknown key", sign(t, jwt.SigningMethodRS256, rsaKey, claims, "r2"), "its key is not known"},
		{"no key id", sign(t, jwt.SigningMethodRS256, rsaKey, claims, ""), "its key is not known"},
		{"not for signatures", sign(t, jwt.SigningMethodRS256, rsaKey, claims, "enc"), "its key is not known"},
		{"another's key", sign(t, jwt.SigningMethodRS256, rsaKey, claims, "e1"), "not valid"},
		{"public key as a secret", sign(t, jwt.SigningMethodHS256, point, claims, "e1"), "algorithm"},
	} {
		q := request{target: "/rest/a", status: 200, header: map[string]string{"Gaff-App": shop, "Authorization": "Bearer " + c.token}}
		if c.has != "" {
			q.status, q.code, q.has = 401, hooks.CodeUnauthorized, c.has
		}
		q.run(t, h)
	}
	if n := fetched.Load(); n != 1 {
		t.Errorf("the set was fetched %d times within a minute", n)
	}
}

func TestKeySetThatCannotBeHad(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	w := sessionWorld(hooks.Sessions{JWKS: server.URL, Algorithms: []string{"HS256"}, Header: "authorization"})
	token := sign(t, jwt.SigningMethodHS256, []byte("x"), jwt.MapClaims{}, "k")
	h := newServer(t, w, nil).Handler()
	for range 2 {
		q := request{target: "/rest/a", status: 503, code: hooks.CodeUnavailable, header: map[string]string{"Gaff-App": shop, "Authorization": "Bearer " + token}}
		q.run(t, h)
	}
}
