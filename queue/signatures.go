package queue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"gaff/hooks"
)

// nonceAge is for how long a nonce is remembered: a request may be early or late by the window.
const nonceAge = 2*hooks.SignatureWindow + time.Minute

func signingName(id string) string { return "key-" + id }

// SigningSecret decrypts the signing secret of a key.
func (k *Keys) SigningSecret(key *hooks.Key) (string, error) {
	return k.conn.config.Vault.Open(key.App, signingName(key.ID), key.Sealed)
}

// UseNonce notes that a request with the nonce, which must be hexadecimal, has come with a key. If one has before, on any
// server, the error is an UNAUTHORIZED.
func (k *Keys) UseNonce(ctx context.Context, id, nonce string) error {
	_, err := k.conn.nonces.Create(ctx, id+"."+nonce, nil)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists):
		return hooks.Errorf(hooks.CodeUnauthorized, "Gaff-Nonce was used before: each request needs one of its own")
	case err != nil:
		return unavailable("nonces", err)
	}
	return nil
}
