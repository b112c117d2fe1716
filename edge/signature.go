package edge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"gaff/hooks"
)

// signed checks the signature of a request with a key that demands one. It reads the body, and puts it back.
func (a *access) signed(r *http.Request, key *hooks.Key) error {
	body, err := readBody(r, maxReleaseBody)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return hooks.Errorf(hooks.CodeBadRequest, "the body did not arrive in time").Because(err)
	case err != nil:
		return hooks.Errorf(hooks.CodeBadRequest, "the body broke off").Because(err)
	case len(body) > maxReleaseBody:
		return hooks.Errorf(hooks.CodeTooLarge, "the body is larger than %d bytes", maxReleaseBody)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	secret, err := a.signatures.SigningSecret(key)
	if err != nil {
		return err
	}
	s := hooks.Signature{
		Time: r.Header.Get("Gaff-Timestamp"), Nonce: r.Header.Get("Gaff-Nonce"), MAC: r.Header.Get("Gaff-Signature"),
	}
	if err := s.Check(secret, r.Method, r.URL.RequestURI(), body, time.Now()); err != nil {
		return err
	}
	return a.signatures.UseNonce(r.Context(), key.ID, s.Nonce)
}
