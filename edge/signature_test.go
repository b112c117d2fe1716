package edge

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gaff/hooks"
)

// A key that demands signatures opens nothing without one, and each signature opens one request.
func TestSignedKeys(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	h := newServer(t, w, nil).Handler()
	secret := w.key(shop, nil, hooks.ScopeData)
	signing := hooks.NewSigningSecret()
	w.keys[len(w.keys)-1].Signed, w.keys[len(w.keys)-1].Sealed = true, []byte(signing)
	send := func(target, body string, s hooks.Signature) int {
		r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
		r.Header.Set("X-Api-Key", secret)
		r.Header.Set("Gaff-Timestamp", s.Time)
		r.Header.Set("Gaff-Nonce", s.Nonce)
		r.Header.Set("Gaff-Signature", s.MAC)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer.Code
	}
	good := hooks.Sign(signing, http.MethodPost, "/rest/a", []byte(`{"n":1}`), time.Now())
	for _, c := range []struct {
		name, target, body string
		signature          hooks.Signature
		status             int
	}{
		{"none", "/rest/a", `{"n":1}`, hooks.Signature{}, 401},
		{"another body", "/rest/a", `{"n":2}`, good, 401},
		{"another path", "/rest/c", `{"n":1}`, good, 401},
		{"good", "/rest/a", `{"n":1}`, good, 200},
		{"again", "/rest/a", `{"n":1}`, good, 401},
		{"another", "/rest/b", `{}`, hooks.Sign(signing, http.MethodPost, "/rest/b", []byte(`{}`), time.Now()), 200},
		{"too large", "/rest/b", strings.Repeat(" ", maxReleaseBody+1), good, 413},
	} {
		if got := send(c.target, c.body, c.signature); got != c.status {
			t.Errorf("%s: %d, want %d", c.name, got, c.status)
		}
	}
}

func TestRates(t *testing.T) {
	t.Parallel()
	w := registeredWorld()
	h := newServer(t, w, nil).Handler()
	slow, free := w.key(shop, nil, hooks.ScopeData), w.key(shop, nil, hooks.ScopeData)
	w.keys[0].Rate = 1e-6 // the burst is one
	send := func(key string) int {
		r := httptest.NewRequest(http.MethodGet, "/rest/a", nil)
		r.Header.Set("X-Api-Key", key)
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer.Code
	}
	for i, want := range []int{200, 429, 429} {
		if got := send(slow); got != want {
			t.Errorf("request %d: %d, want %d", i, got, want)
		}
		if got := send(free); got != 200 {
			t.Errorf("a key without a rate: %d", got)
		}
	}
}
