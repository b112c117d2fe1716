package edge

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"

	"gaff/hooks"
)

// Bounds of key sets.
const (
	keySetWithin  = 5 * time.Second
	keySetAgain   = time.Minute // at the soonest, also for one that could not be had
	keySetAge     = time.Hour   // after which a set is asked for again, though all is known
	maxKeySet     = 256 << 10   // bytes
	maxKeySets    = 1000
	minRSA        = 2048 // bits
	maxRSA        = 8192 // bits: verifying costs the more, the longer it is
	maxKeysOfASet = 100
)

// keySets are public keys by the URL of their JWKS.
type keySets struct {
	client *http.Client

	mu   sync.Mutex
	sets map[string]*keySet
}

// keySet is what a URL had. Its lock is held while it is asked, so that one call does that for all.
type keySet struct {
	mu    sync.Mutex
	keys  []publicKey
	asked time.Time
	had   time.Time
}

// publicKey is one key of a set.
type publicKey struct {
	id, alg string // both may be empty
	key     any
}

func newKeySets() *keySets {
	return &keySets{sets: map[string]*keySet{}, client: &http.Client{
		Timeout:       keySetWithin,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// find returns the key of that id; without an id, the only one that there is.
func (k *keySets) find(ctx context.Context, url, id, alg string) (any, error) {
	k.mu.Lock()
	set := k.sets[url]
	if set == nil {
		if len(k.sets) >= maxKeySets {
			clear(k.sets)
		}
		set = &keySet{}
		k.sets[url] = set
	}
	k.mu.Unlock()
	set.mu.Lock()
	defer set.mu.Unlock()
	key, known := set.find(id, alg)
	now := time.Now()
	if (!known || now.Sub(set.had) > keySetAge) && now.Sub(set.asked) > keySetAgain {
		set.asked = now
		keys, err := k.fetch(context.WithoutCancel(ctx), url)
		if err == nil {
			set.keys, set.had = keys, now
		} else if !known {
			return nil, hooks.Errorf(hooks.CodeUnavailable, "the keys that verify tokens cannot be had").Because(err)
		}
		key, known = set.find(id, alg)
	}
	switch {
	case set.had.IsZero():
		return nil, hooks.Errorf(hooks.CodeUnavailable, "the keys that verify tokens cannot be had")
	case !known:
		return nil, badToken("its key is not known")
	}
	return key, nil
}

func (s *keySet) find(id, alg string) (any, bool) {
	if id == "" && len(s.keys) != 1 {
		return nil, false
	}
	for _, k := range s.keys {
		if (id == "" || k.id == id) && (k.alg == "" || k.alg == alg) {
			return k.key, true
		}
	}
	return nil, false
}

func (k *keySets) fetch(ctx context.Context, url string) ([]publicKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := k.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("key set: %s", answer.Status)
	}
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxKeySet {
		return nil, fmt.Errorf("key set: larger than %d bytes", maxKeySet)
	}
	return parseKeySet(b)
}

// jwk is one key as it stands in a set.
type jwk struct {
	Kty, Kid, Alg, Use, Crv string
	N, E, X, Y              string
}

// parseKeySet reads a JWKS. Keys that are not for signatures, or of a kind that is not known, are passed over.
func parseKeySet(b []byte) ([]publicKey, error) {
	var set struct{ Keys []jwk }
	if err := json.Unmarshal(b, &set); err != nil {
		return nil, errors.New("key set: not a JWKS")
	}
	var keys []publicKey
	for _, k := range set.Keys[:min(len(set.Keys), maxKeysOfASet)] {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		if key := k.public(); key != nil {
			keys = append(keys, publicKey{k.Kid, k.Alg, key})
		}
	}
	return keys, nil
}

// public returns the key, or nil if it is none that can be used.
func (k *jwk) public() any {
	bytes := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			return nil
		}
		return b
	}
	switch k.Kty {
	case "RSA":
		n, e := new(big.Int).SetBytes(bytes(k.N)), new(big.Int).SetBytes(bytes(k.E))
		if n.BitLen() < minRSA || n.BitLen() > maxRSA || e.BitLen() > 31 || e.Int64() < 3 {
			return nil
		}
		return &rsa.PublicKey{N: n, E: int(e.Int64())}
	case "EC":
		curve := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[k.Crv]
		if curve == nil {
			return nil
		}
		size := (curve.Params().BitSize + 7) / 8
		x, y := bytes(k.X), bytes(k.Y)
		if len(x) != size || len(y) != size {
			return nil
		}
		key, err := ecdsa.ParseUncompressedPublicKey(curve, append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil
		}
		return key
	case "OKP":
		if x := bytes(k.X); k.Crv == "Ed25519" && len(x) == ed25519.PublicKeySize {
			return ed25519.PublicKey(x)
		}
	}
	return nil
}
