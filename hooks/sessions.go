package hooks

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
)

// Sessions says how the bearer tokens of an app's callers are verified: with a shared secret, or with the public keys
// at a URL.
type Sessions struct {
	Secret     string   `json:"secret,omitempty"`
	JWKS       string   `json:"jwks,omitempty"` // https, or http on this machine
	Algorithms []string `json:"algorithms"`     // those that a token may use
	Issuer     string   `json:"issuer,omitempty"`
	Audience   string   `json:"audience,omitempty"`
	Header     string   `json:"header"` // lower-case
}

func sharedAlgorithms() []string { return []string{"HS256", "HS384", "HS512"} }

func publicAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// resolve returns the sessions with their secrets. One that is missing becomes a key that nobody knows, for its
// reference is no secret.
func (s *Sessions) resolve(values map[string]string) (*Sessions, []string, []string) {
	if s == nil {
		return nil, nil, nil
	}
	raw, used, missing := resolveSecrets(mustMarshal(s), values)
	var resolved Sessions
	if err := json.Unmarshal(raw, &resolved); err != nil {
		panic(fmt.Sprintf("sessions: %v", err)) // it was marshalled a moment ago, and secrets are put in as JSON
	}
	if len(missing) > 0 {
		resolved.Secret = rand.Text() + rand.Text()
	} else if resolved.Secret != "" {
		used = append(used, resolved.Secret)
	}
	return &resolved, used, missing
}
