package hooks

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// Scope is one thing that a key may do.
type Scope string

// The scopes of keys. ScopeAdmin allows everything of the key's own app.
const (
	ScopeData  Scope = "data"
	ScopeRPC   Scope = "rpc"
	ScopeAPI   Scope = "api"
	ScopeLog   Scope = "log"
	ScopeAdmin Scope = "admin"
)

// Scopes lists all scopes.
func Scopes() []Scope { return []Scope{ScopeData, ScopeRPC, ScopeAPI, ScopeLog, ScopeAdmin} }

// Valid reports whether s is a scope.
func (s Scope) Valid() bool { return slices.Contains(Scopes(), s) }

// Key lets a caller act on one app. The secret that the caller has is not part of it.
type Key struct {
	ID      string     `json:"id"` // 16 hexadecimal digits
	App     string     `json:"app"`
	Name    string     `json:"name,omitempty"` // for people
	Scopes  []Scope    `json:"scopes"`
	Hash    string     `json:"hash,omitempty"` // SHA-256 of the secret, hexadecimal; it does not leave the server
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty"` // nil: never
	Revoked bool       `json:"revoked,omitempty"`
	Rate    float64    `json:"rate,omitempty"`   // requests a second that each server takes, in bursts of as many; 0: any
	Signed  bool       `json:"signed,omitempty"` // requests need a [Signature]
	Sealed  []byte     `json:"sealed,omitempty"` // the signing secret, encrypted; it does not leave the server
}

// MaxRate is the largest rate that a key may be limited to, in requests a second.
const MaxRate = 1e6

// Public is the key as it may be shown.
func (k Key) Public() Key {
	k.Hash, k.Sealed = "", nil
	return k
}

const (
	keyPrefix   = "gaff_"
	keyIDBytes  = 8
	keyBytes    = 32 // 256 bits
	maxKeyName  = 100
	keyIDLength = 2 * keyIDBytes
)

// NewKey returns a key and its secret, gaff_<id>_<256 random bits in base64url>, which cannot be had again. The app must
// be a valid name, and there must be scopes, all of them known; else the error is a BAD_NAME or BAD_REQUEST.
func NewKey(app, name string, scopes []Scope, expires *time.Time) (Key, string, error) {
	if err := CheckName("app", app); err != nil {
		return Key{}, "", err
	}
	if len(name) > maxKeyName || strings.ContainsFunc(name, isControl) {
		return Key{}, "", Errorf(CodeBadRequest, "a key's name has at most %d characters", maxKeyName)
	}
	if len(scopes) == 0 {
		return Key{}, "", Errorf(CodeBadRequest, "a key needs scopes: some of %v", Scopes())
	}
	for _, s := range scopes {
		if !s.Valid() {
			return Key{}, "", Errorf(CodeBadRequest, "%.80q is not a scope: use some of %v", string(s), Scopes())
		}
	}
	scopes = slices.Clone(scopes)
	slices.Sort(scopes)
	var id [keyIDBytes]byte
	var random [keyBytes]byte
	rand.Read(id[:]) // never fails
	rand.Read(random[:])
	k := Key{
		ID: hex.EncodeToString(id[:]), App: app, Name: name, Scopes: slices.Compact(scopes),
		Created: time.Now().UTC().Truncate(time.Millisecond), Expires: expires,
	}
	secret := keyPrefix + k.ID + "_" + base64.RawURLEncoding.EncodeToString(random[:])
	k.Hash = hashKey(secret)
	return k, secret, nil
}

// KeyID returns the id of the key that a secret belongs to; false if it is not the secret of any key.
func KeyID(secret string) (id string, ok bool) {
	rest, ok := strings.CutPrefix(secret, keyPrefix)
	if !ok || len(rest) != keyIDLength+1+base64.RawURLEncoding.EncodedLen(keyBytes) || rest[keyIDLength] != '_' {
		return "", false
	}
	id = rest[:keyIDLength]
	if !ValidKeyID(id) {
		return "", false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(rest[keyIDLength+1:])
	return id, err == nil
}

// ValidKeyID reports whether id has the form of a key's id.
func ValidKeyID(id string) bool {
	return len(id) == keyIDLength && !strings.ContainsFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'f')
	})
}

// Check returns nil if the secret is that of the key and the key is valid at that time, else an UNAUTHORIZED error. How
// long it takes does not depend on what is wrong with the secret.
func (k *Key) Check(secret string, now time.Time) error {
	same := subtle.ConstantTimeCompare([]byte(hashKey(secret)), []byte(k.Hash)) == 1
	switch {
	case !same:
		return Errorf(CodeUnauthorized, "the key is not known")
	case k.Revoked:
		return Errorf(CodeUnauthorized, "the key has been revoked")
	case k.Expires != nil && !now.Before(*k.Expires):
		return Errorf(CodeUnauthorized, "the key has expired")
	}
	return nil
}

// Allows reports whether the key has the scope.
func (k *Key) Allows(s Scope) bool {
	return slices.Contains(k.Scopes, s) || slices.Contains(k.Scopes, ScopeAdmin)
}

func hashKey(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
