package queue

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gaff/hooks"
)

// The signing secret of a key is stored encrypted, and shown to nobody.
func TestSigningSecret(t *testing.T) {
	t.Parallel()
	vault, err := hooks.NewVault(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, Config{Vault: vault})
	keys := NewKeys(c)
	key, secret, err := hooks.NewKey("shop", "", []hooks.Scope{hooks.ScopeData}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signing := hooks.NewSigningSecret()
	if err := keys.Create(t.Context(), key, signing); err != nil {
		t.Fatal(err)
	}
	found, err := keys.Check(secret)
	if err != nil || !found.Signed {
		t.Fatalf("%+v, %v", found, err)
	}
	if got, err := keys.SigningSecret(&found); err != nil || got != signing {
		t.Errorf("%q, %v", got, err)
	}
	list, err := keys.List(t.Context(), "shop")
	if err != nil || len(list) != 1 || !list[0].Signed || list[0].Sealed != nil {
		t.Errorf("%+v, %v", list, err)
	}
	without := NewKeys(connect(t, Config{}))
	if err := without.Create(t.Context(), key, signing); !hasCode(err, hooks.CodeUnavailable) {
		t.Errorf("without a vault: %v", err)
	}
}

// Of many servers that see a nonce at the same moment, one takes it.
func TestNonces(t *testing.T) {
	t.Parallel()
	c := connect(t, Config{})
	servers := []*Keys{NewKeys(c), NewKeys(connect(t, Config{Prefix: c.config.Prefix})), NewKeys(connect(t, Config{Prefix: c.config.Prefix}))}
	nonce := hooks.Sign("x", "GET", "/", nil, time.Now()).Nonce
	var taken atomic.Int64
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			switch err := servers[i%len(servers)].UseNonce(t.Context(), "0123456789abcdef", nonce); {
			case err == nil:
				taken.Add(1)
			case !hasCode(err, hooks.CodeUnauthorized):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("taken %d times", n)
	}
	if err := servers[0].UseNonce(t.Context(), "1123456789abcdef", nonce); err != nil {
		t.Errorf("with another key: %v", err)
	}
}
